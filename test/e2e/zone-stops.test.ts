import { afterEach, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { until } from './cut.ts';
import { BACKUP, differences, targetFlags } from './proof.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

describe.skipIf(LAB === null)('the danger zone (needs a practice host)', () => {
	test('stops before its first change when a set is not the verified one any more, and goes on when that is mended', async () => {
		world = await makeWorld('7.7', '7.8');
		const on = world;
		let damaged: Promise<unknown> = Promise.resolve();
		const began = Date.now();
		const { code, stderr: said } = await until(on, 'running  boot-blocks\n', () => {
			damaged = on.host.inside('cp /usr/rel/man78.tgz /root/whole; echo x >>/usr/rel/man78.tgz');
		});
		await damaged;
		expect(code).toBe(1);
		expect(said).toContain(`man78.tgz: damaged, fetch it again from ${on.mirror.url}/7.8/amd64/man78.tgz`);
		expect(said).toContain('boot /obsd');
		expect(Date.now() - began).toBeLessThan(30_000);
		expect((await on.host.inside('ls /obsd /sbin/oreboot')).code).not.toBe(0);
		expect((await on.host.inside('head -n 1 /bsd')).output).toBe('LABKERNEL 7700 GENERIC.MP\n');

		await on.host.inside('cp /root/whole /usr/rel/man78.tgz');
		const again = await on.bsdup(['resume', '--yes', '--patience', '1']);
		expect([again.code, again.stderr]).toEqual([0, '']);
		expect(await differences(on, '7.8')).toEqual([]);
	});

	test('tells at the console that it stopped, instead of waiting for a reboot that does not come', async () => {
		world = await makeWorld('7.7', '7.8');
		const { host } = world;
		const words = ['upgrade', ...targetFlags(world, '7.8'), ...BACKUP, '--unattended', '--yes'];
		const child = host.enter(['/bin/sh', '-c', `exec node /lab/package/dist/src/cli.js ${words.join(' ')}`], { BSDUP_STATE: '/var/bsdup' });
		child.stdin.end();
		let said = '';
		let damaged: Promise<unknown> | undefined;
		for (const stream of [child.stdout, child.stderr])
			stream.on('data', (bytes: Buffer) => {
				said += bytes.toString();
				if (said.includes('running  boot-blocks\n')) damaged ??= host.inside('echo x >>/usr/rel/man78.tgz');
			});
		const code = await new Promise((resolve) => child.once('close', resolve));
		await damaged;
		expect(said).toMatch(/^bsdup: zone: stopped with status 1 before the reboot\n[\s\S]*man78\.tgz: damaged/m);
		expect(code).toBe(1);
		expect(host.boots).toBe(1);
	});
});
