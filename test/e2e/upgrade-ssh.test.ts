import { afterEach, describe, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import { LAB } from '../lab/ability.ts';
import type { ReleaseName } from '../lab/releases.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { BACKUP, differences, targetFlags, upgradeArgs } from './proof.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

const ways: [ReleaseName, ReleaseName][] = [
	['7.7', '7.8'],
	['7.8', '7.9-beta'],
	['4.9', '4.9-newer'],
];

describe.skipIf(LAB === null)('an upgrade over SSH (needs a practice host)', () => {
	test.each(ways)(
		"takes a %s host to %s, proven, with the plan's own strings and nothing new started before the reboot",
		async (from, target) => {
			world = await makeWorld(from, target);
			const made = await world.bsdup([
				'plan',
				world.host.ssh.spec,
				...world.host.flags,
				...targetFlags(world, target),
				...BACKUP,
				'--unattended',
				'--json',
			]);
			const plan = JSON.parse(made.stdout) as Plan;
			const result = await world.bsdup(upgradeArgs(world, target));
			expect(result.stderr).toBe('');
			expect(result.code).toBe(0);
			const log = world.host.processLog();
			expect(betweenBaseAndReboot(log)).toEqual([]);
			expect(missing(plan, log, result.stdout)).toEqual([]);
			expect(await differences(world, target)).toEqual([]);
		},
	);
});

/** Programs started after base's tar and before the next boot, but for the saved copies and what reboot(8) itself starts. */
function betweenBaseAndReboot(log: readonly string[]): string[] {
	const base = log.findIndex((line) => / tar -C \/ -xzphf base/.test(line.replace('/bin/tar', 'tar')));
	const level = log[base]?.split(' ')[0];
	const rest = log.slice(base + 1);
	const boot = rest.findIndex((line) => line.split(' ')[0] !== level);
	return rest
		.slice(0, boot)
		.filter(
			(line) =>
				!/ (\/var\/db\/bsdup\/\S+\/bin\/\w+|\/sbin\/oreboot|\/bin\/sh \/etc\/rc shutdown|\/usr\/bin\/gzip -dc|\S*gzip .*)/.test(line),
		);
}

/** Simple command lines of the plan that the host's own process log does not show, in any order. The run's id differs. */
function missing(plan: Plan, log: readonly string[], shown: string): string[] {
	const run = /run-\d+-practice/.exec(shown)?.[0] ?? '';
	const told = new Set(
		log.map((line) =>
			line
				.split(' ')
				.slice(3)
				.join(' ')
				.replace(/^\S*\//, '')
				.replaceAll(run, plan.run),
		),
	);
	const simple = plan.steps
		.filter((step) => step.kind !== 'fetch')
		.flatMap((step) => step.commands)
		.map((line) => line.replaceAll(plan.run, plan.run))
		.filter((line) => /^[a-z_]+( [\w./@:=+-]+)+$/.test(line) && !/^(cd|echo|export|unset|trap|exec|rm -rf \/usr\/include)/.test(line));
	expect(simple.length).toBeGreaterThan(10);
	return simple.filter((line) => !told.has(line));
}
