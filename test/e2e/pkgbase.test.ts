import { describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import type { PkgbaseName } from '../lab/freebsd/pkgbase.ts';
import type { PublishOptions } from '../lab/system.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { oldSystem } from './be-proof.ts';
import { pkgbaseArgs, pkgbaseDifferences } from './pkgbase-proof.ts';
import { executed, jobsOf, planOf, shownSteps } from './run-record.ts';

/** Does `work` on a world of its own, so that several go side by side. */
async function inWorld(to: PkgbaseName, work: (on: World) => Promise<void>, options: PublishOptions = {}): Promise<void> {
	const on = await makeWorld('15.0-pkgbase', to, options);
	try {
		await work(on);
	} finally {
		await on.destroy();
	}
}

/** The order of F7 in a boot environment, as the host's own process log must show it. */
const ORDER = [
	/bectl create 15\.1-\d{8}$/,
	/bectl mount 15\.1-\d{8} /,
	/mount -t devfs devfs \S+\/be\/dev$/,
	/pkg-static .*OSVERSION=1501000 .* upgrade -y -r FreeBSD-ports pkg$/,
	/pkg-static .* update -f -r FreeBSD-base$/,
	/pkg-static .* upgrade -n -r FreeBSD-base$/,
	/pkg-static .*REPOS_DIR=\/etc\/pkg,\/usr\/local\/etc\/pkg\/repos,\/var\/db\/bsdup\/run-\S+ upgrade -y -r FreeBSD-base$/,
	/pkg-static .* upgrade -y -r FreeBSD-ports-kmods$/,
	/chroot \S+\/be \/usr\/sbin\/sshd -t$/,
	/find etc usr\/local\/etc -name \*\.pkgnew$/,
	/bectl umount 15\.1-\d{8}$/,
	/bectl activate -t 15\.1-\d{8}$/,
	/shutdown -r now$/,
	/freebsd-version -kru$/,
	/service sshd status$/,
	/bectl activate 15\.1-\d{8}$/,
	/mv \S+loader\.efi\.new \S+loader\.efi$/,
	/pkg-static .* upgrade -y$/,
	/shutdown -r now$/,
];

describe.skipIf(LAB === null)('an upgrade of packaged base (needs a practice host)', () => {
	test.concurrent("takes a 15.0 host to 15.1 in a boot environment over SSH, in the order of the field notes, by the plan's own strings; the old one stays as it was", () =>
		inWorld('15.1-pkgbase', async (on) => {
			const before = await oldSystem(on);
			await on.host.powerOn();
			const shown = await on.bsdup([...pkgbaseArgs(on), '--dry-run']);
			const result = await on.bsdup(pkgbaseArgs(on));
			expect([result.stderr, result.code]).toEqual(['', 0]);
			const plan = planOf(on);
			expect(plan.manifest).toBe('freebsd/pkgbase');
			for (const { shown: text, planned } of shownSteps(plan, shown.stdout)) expect(text).toContain(planned);
			expect(await executed(on, plan)).toEqual(jobsOf(plan));
			const log = on.host.processLog();
			let at = 0;
			for (const next of ORDER) {
				const found = log.findIndex((line, index) => index >= at && next.test(line));
				expect(found, `${next} does not come after what stands before it`).toBeGreaterThanOrEqual(0);
				at = found + 1;
			}
			expect(await pkgbaseDifferences(on, '15.1-pkgbase')).toEqual([]);
			const after = await oldSystem(on);
			const own = (lines: string[]): string[] => lines.filter((line) => line.includes(' ./'));
			expect(own(after)).toEqual(own(before));
		}));
});
