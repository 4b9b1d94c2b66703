import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld } from '../lab/world.ts';
import { environmentArgs } from './be-proof.ts';
import { before } from './stand-in.ts';

describe.skipIf(LAB === null)('the verdict on a boot environment that does not boot (needs a practice host)', () => {
	test('is told by its console, with the way back; after a reset the old one runs, and the run is taken back', async () => {
		const on = await makeWorld('14.3-RELEASE', '15.0-RELEASE');
		try {
			const { spec, identity, knownHosts } = on.host.ssh;
			before(on, 'shutdown', 'echo torn >>/lab/pool/be/15.0/boot/kernel/kernel');
			const config = join(on.env['XDG_CONFIG_HOME'] ?? '', 'bsdup');
			mkdirSync(config, { recursive: true });
			const console = `tail -n 40 ${join(on.host.dir, 'console')}`;
			const lab = { host: spec, identity, 'known-hosts': knownHosts, console };
			writeFileSync(join(config, 'config.yaml'), JSON.stringify({ hosts: { lab } }), { mode: 0o600 });
			const { code, stderr } = await on.bsdup(environmentArgs(on).map((word) => ({ [spec]: 'lab', '3': '12s' })[word] ?? word));
			expect([code, on.host.state]).toEqual([1, 'stuck-kernel']);
			expect(stderr).toMatch(/^bsdup: verdict: did not come back in 12 seconds/m);
			expect(stderr).toContain('By its console, its loader finds no kernel that it can load.');
			expect(stderr).toMatch(/^Next: {2}press reset: .*\nNext: {2}bsdup resume run-/m);
			await on.host.powerOff();
			await on.host.powerOn();
			expect(await on.bsdup(['rollback', 'lab', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
			expect((await on.host.inside('bectl list -H | cut -f 1,2')).output).toBe('default\tNR\n');
		} finally {
			await on.destroy();
		}
	});
});
