import { describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { carryByScript } from './by-script.ts';
import { inUpdateWorld, updateArgs, updateDifferences } from './update-proof.ts';

describe.skipIf(LAB === null)('the script of an upgrade by freebsd-update (needs a practice host)', () => {
	test('takes a 14.3 host to 15.0 by base tools alone, run again after each reboot', () =>
		inUpdateWorld(async (on) => {
			const said = await carryByScript(on, updateArgs(on, 'plan'));
			expect(said).toContain('done    the host runs the new system');
			expect(await updateDifferences(on)).toEqual([]);
		}));
});
