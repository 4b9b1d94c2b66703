import { describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld } from '../lab/world.ts';
import { environmentArgs, environmentDifferences } from './be-proof.ts';
import { carryByScript } from './by-script.ts';

describe.skipIf(LAB === null)('the script of an upgrade in a boot environment (needs a practice host)', () => {
	test('takes a 14.3 host to 15.0 by base tools alone, run again after each reboot; the new environment knows where the run stands', async () => {
		const on = await makeWorld('14.3-RELEASE', '15.0-RELEASE');
		try {
			const said = await carryByScript(on, environmentArgs(on, 'plan'));
			expect(said).toContain('done    the host runs the new system');
			expect(said).toContain('proven: kernel 15.0-RELEASE');
			expect(await environmentDifferences(on)).toEqual([]);
		} finally {
			await on.destroy();
		}
	});
});
