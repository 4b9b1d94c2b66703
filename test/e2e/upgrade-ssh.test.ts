import { afterEach, describe, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import { LAB } from '../lab/ability.ts';
import type { ReleaseName } from '../lab/releases.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { differences, upgradeArgs } from './proof.ts';
import { executed, jobsOf, planOf, shownSteps } from './run-record.ts';

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
			const shown = await world.bsdup([...upgradeArgs(world, target), '--dry-run']);
			const result = await world.bsdup(upgradeArgs(world, target));
			expect(result.stderr).toBe('');
			expect(result.code).toBe(0);
			const plan = planOf(world);
			for (const lines of shownSteps(plan, shown.stdout)) expect(lines.shown).toContain(lines.planned);
			expect(await executed(world, plan)).toEqual(jobsOf(plan));
			const log = world.host.processLog();
			expect(betweenBaseAndReboot(log)).toEqual([]);
			expect(notStarted(plan, log)).toEqual([]);
			expect(await differences(world, target)).toEqual([]);
		},
	);

	test.skipIf(LAB !== 'root')(
		'of a 4.9 host is refused until ssh_config permits what its sshd speaks, and says which lines do (needs root, for OpenSSH)',
		async () => {
			world = await makeWorld('4.9', '4.9-newer');
			const { spec, identity, knownHosts } = world.host.ssh;
			const plain = await world.bsdup(['facts', spec, '--identity', identity, '--known-hosts', knownHosts]);
			expect(plain.code).toBe(1);
			expect(plain.stderr).toContain('E_SSH_ALGORITHMS');
			expect(plain.stderr).toMatch(/Host 127\.0\.0\.1[\s\S]*KexAlgorithms \+diffie-hellman-group14-sha1[\s\S]*HostKeyAlgorithms \+ssh-rsa/);
			expect((await world.bsdup(['facts', spec, ...world.host.flags])).code).toBe(0);
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

/** Simple command lines of the plan that the host's own process log does not show, in any order. */
function notStarted(plan: Plan, log: readonly string[]): string[] {
	const started = new Set(
		log.map((line) =>
			line
				.split(' ')
				.slice(3)
				.join(' ')
				.replace(/^\S*\//, ''),
		),
	);
	const simple = plan.steps
		.filter((step) => step.kind !== 'fetch' && step.kind !== 'confirm')
		.flatMap((step) =>
			step.commands
				.join('\n')
				.replace(/<<'END'\n[\s\S]*?\nEND$/gm, '')
				.split('\n'),
		)
		.map((line) => line.replace(/^\/\S*\//, ''))
		.filter(
			(line) =>
				/^[a-z_]+( [\w./@:=+-]+)+$/.test(line) && !/^(case|cd|echo|export|unset|trap|exec|umask|put|rm -rf \/usr\/include)/.test(line),
		);
	expect(simple.length).toBeGreaterThan(10);
	return simple.filter((line) => !started.has(line));
}
