import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld } from '../lab/world.ts';
import { pkgbaseArgs, pkgbaseDifferences } from './pkgbase-proof.ts';

/** Times the script is run at the most: once, and after each of two reboots. */
const MOST_ROUNDS = 3;

describe.skipIf(LAB === null)('the script of a patch of packaged base (needs a practice host)', () => {
	test('takes a 15.0 host to its first patch by base tools alone, asked for by the release that runs; run again after each reboot', async () => {
		const on = await makeWorld('15.0-pkgbase', '15.0p1-pkgbase');
		try {
			const out = join(on.host.dir, 'lab/up.sh');
			const facts = await on.bsdup(['facts', on.host.ssh.spec, ...on.host.flags, '--json']);
			writeFileSync(join(on.host.dir, 'facts.json'), facts.stdout);
			const words = pkgbaseArgs(on, 'plan', '15.0-RELEASE').slice(2 + on.host.flags.length);
			const made = await on.bsdup(['plan', '--facts', join(on.host.dir, 'facts.json'), ...words, '--format', 'sh', '--out', out]);
			expect(made).toMatchObject({ code: 0, stderr: '' });
			let line = 'cp /lab/up.sh /root/up.sh && sh /root/up.sh --yes';
			let said = '';
			for (let round = 0; round < MOST_ROUNDS; round++) {
				const boots = on.host.boots;
				const { code, output } = await on.host.inside(line);
				said = output;
				if (code === 0) break;
				expect(output).toContain('After it, log in as root');
				await on.host.upAgain(boots + 1);
				line = 'sh /var/db/bsdup/run-*/resume.sh --yes';
			}
			expect(said).toContain('done    the host runs the new system');
			expect(said).toContain('proven: kernel 15.0-RELEASE-p1');
			expect(await pkgbaseDifferences(on, '15.0p1-pkgbase')).toEqual([]);
		} finally {
			await on.destroy();
		}
	});
});
