import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import type { World } from '../lab/world.ts';
import { inUpdateWorld, updateArgs, whileInstalling } from './update-proof.ts';

/** What a run, a boot and freebsd-update may leave: the run's record, its store, and the kernel it keeps. */
const LEFT = 'var/db/bsdup var/db/freebsd-update var/run run dev lab lib64 proc boot/kernel.old boot/kernel/linker.hints'
	.split(' ')
	.map((path) => `-path ./${path}`)
	.join(' -o ');

/** Mode, content and name of all that is on the disk. Turns the host off. */
async function system(on: World): Promise<string[]> {
	await on.host.powerOff();
	const look = `find . \\( ${LEFT} -o -path './lib/*-linux-*' \\) -prune -o -type f -printf '%M ' -exec sha256sum {} \\;`;
	return on.host.withDisk((disk) => execFileSync('sh', ['-c', look], { cwd: disk, encoding: 'utf8' }).split('\n').sort());
}

describe.skipIf(LAB === null)('an upgrade by freebsd-update on UFS (needs a practice host)', () => {
	test.concurrent('goes to 15.0, and is taken back by freebsd-update rollback where something that a person asked for does not hold', () =>
		inUpdateWorld(
			async (on) => {
				const before = await system(on);
				await on.host.powerOn();
				const unwell = await on.bsdup([...updateArgs(on), '--health', 'test -f /srv/app']);
				expect([unwell.code, unwell.stderr]).toEqual([1, expect.stringContaining('not healthy: test -f /srv/app')]);
				expect((await on.host.inside('freebsd-version -kru')).output).toBe('15.0-RELEASE\n15.0-RELEASE\n15.0-RELEASE\n');
				expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
				expect(await system(on)).toEqual(before);
			},
			{},
			'14.3-UFS',
		));
	test.concurrent('is taken back from the middle of the userland, whose end is waited for', () =>
		inUpdateWorld(
			async (on) => {
				const before = await system(on);
				await on.host.powerOn();
				await whileInstalling(on, updateArgs(on), '/usr/bin/awk', async (kill) => {
					await on.host.powerOff();
					kill();
				});
				await on.host.powerOn();
				expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
				expect(await system(on)).toEqual(before);
			},
			{},
			'14.3-UFS',
		));
});
