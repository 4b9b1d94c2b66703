import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { inUpdateWorld, updateArgs, updateDifferences } from './update-proof.ts';

/** Times the script is run at the most: once, and after each of three reboots. */
const MOST_ROUNDS = 4;

describe.skipIf(LAB === null)('the script of an upgrade by freebsd-update (needs a practice host)', () => {
	test('takes a 14.3 host to 15.0 by base tools alone, run again after each reboot', () =>
		inUpdateWorld(async (on) => {
			const out = join(on.host.dir, 'lab/up.sh');
			const facts = await on.bsdup(['facts', on.host.ssh.spec, ...on.host.flags, '--json']);
			writeFileSync(join(on.host.dir, 'facts.json'), facts.stdout);
			const words = updateArgs(on, 'plan').slice(2 + on.host.flags.length);
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
			expect(await updateDifferences(on)).toEqual([]);
		}));
});
