import { afterEach, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import type { ReleaseName } from '../lab/releases.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { BACKUP, differences, targetFlags } from './proof.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

describe.skipIf(LAB === null)('an upgrade at the console (needs a practice host)', () => {
	test.each<[ReleaseName, ReleaseName, string, number]>([
		['7.7', '7.8', 'in-place', 1],
		['7.8', '7.9-beta', 'in-place', 1],
		// The install kernel is a boot of its own.
		['7.8', '7.9-beta', 'ramdisk', 2],
	])(
		'from %s to %s, %s, pauses at each reboot; resume.sh bridges the time in which node does not start; resume ends it',
		async (from, target, method, boots) => {
			world = await makeWorld(from, target);
			const { host } = world;
			const env = { BSDUP_STATE: '/var/bsdup' };
			const cli = 'node /lab/package/dist/src/cli.js';
			const first = await host.inside(
				`${cli} upgrade ${targetFlags(world, target, method).join(' ')} ${BACKUP.join(' ')} --unattended --yes`,
				env,
			);
			expect(first.output).toContain('After it, log in as root');
			await host.upAgain(1 + boots);

			const early = await host.inside(`${cli} resume`, env);
			expect(`${early.signal} ${early.code} ${early.output}`).toMatch(/SIGSYS|159|Bad system call/);

			const bridge = await host.inside('sh /var/db/bsdup/run-*/resume.sh --yes');
			expect(bridge.output).toContain('After it, log in as root');
			await host.upAgain(2 + boots);

			const last = await host.inside(`${cli} resume`, env);
			expect(last.output).toContain('proven');
			expect(last.code).toBe(0);
			expect((await host.inside(`${cli} status`, env)).output).toContain('Nothing is left to do');
			expect(await differences(world, target)).toEqual([]);
		},
	);
});
