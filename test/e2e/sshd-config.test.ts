import { afterEach, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { until } from './cut.ts';
import { differences } from './proof.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

describe.skipIf(LAB === null)('an sshd_config that the new sshd does not take (needs a practice host)', () => {
	test('stops the run before the next reboot would lock everybody out; mended, it goes on', async () => {
		world = await makeWorld('7.7', '7.8');
		const on = world;
		let broken: Promise<unknown> = Promise.resolve();
		const { code, stderr } = await until(on, 'running  sysmerge-batch\n', () => {
			broken = on.host.inside('cp /etc/ssh/sshd_config /root/whole; echo OldKeyword yes >>/etc/ssh/sshd_config');
		});
		await broken;
		expect(code).toBe(1);
		expect(stderr).toMatch(/^bsdup: sshd: ended with status 255\n.*OldKeyword/);
		expect(on.host.boots).toBe(2);

		await on.host.inside('cp /root/whole /etc/ssh/sshd_config');
		const again = await on.bsdup(['resume', '--yes', '--patience', '1']);
		expect([again.code, again.stderr]).toEqual([0, '']);
		expect(await differences(on, '7.8')).toEqual([]);
	});
});
