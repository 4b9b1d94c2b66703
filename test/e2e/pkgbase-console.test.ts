import { describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld } from '../lab/world.ts';
import { carryByScript } from './by-script.ts';
import { pkgbaseArgs, pkgbaseDifferences } from './pkgbase-proof.ts';

describe.skipIf(LAB === null)('the script of a patch of packaged base (needs a practice host)', () => {
	test('takes a 15.0 host to its first patch by base tools alone, asked for by the release that runs; run again after each reboot', async () => {
		const on = await makeWorld('15.0-pkgbase', '15.0p1-pkgbase');
		try {
			await on.host.inside(`sed -i 's/\\(kmods_quarterly.*\\) }/\\1, enabled: no }/' /etc/pkg/FreeBSD.conf`);
			const said = await carryByScript(on, pkgbaseArgs(on, 'plan', '15.0-RELEASE'));
			expect(said).toContain('done    the host runs the new system');
			expect(said).toContain('proven: kernel 15.0-RELEASE-p1');
			expect(said).toContain('FreeBSD-ports-kmods is not enabled here');
			expect(await pkgbaseDifferences(on, '15.0p1-pkgbase')).toEqual([]);
		} finally {
			await on.destroy();
		}
	});
});
