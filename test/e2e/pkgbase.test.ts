import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import type { PkgbaseName } from '../lab/freebsd/pkgbase.ts';
import type { PublishOptions } from '../lab/system.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { oldSystem } from './be-proof.ts';
import { cutAt } from './cut.ts';
import { pkgbaseArgs, pkgbaseDifferences } from './pkgbase-proof.ts';
import { executed, expectOrder, jobsOf, planOf, shownSteps } from './run-record.ts';

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
	/find .* etc root usr\/local\/etc -name \*\.pkgnew -o -name \*\.pkgsave$/,
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

/** The order of F7 live. */
const LIVE_ORDER = [
	/pkg-static upgrade -y -r FreeBSD-ports pkg$/,
	/pkg-static .* update -f -r FreeBSD-base$/,
	/pkg-static .* upgrade -n -r FreeBSD-base$/,
	/pkg-static .*REPOS_DIR=\/etc\/pkg,\/usr\/local\/etc\/pkg\/repos,\/var\/db\/bsdup\/run-\S+ upgrade -y -r FreeBSD-base$/,
	/pkg-static .* upgrade -y -r FreeBSD-ports-kmods$/,
	/sshd -t$/,
	/service sshd restart$/,
	/mv \S+loader\.efi\.new \S+loader\.efi$/,
	/find .* etc root usr\/local\/etc -name \*\.pkgnew -o -name \*\.pkgsave$/,
	/shutdown -r now$/,
	/freebsd-version -kru$/,
	/pkg-static .* upgrade -y$/,
];

describe.skipIf(LAB === null)('an upgrade of packaged base (needs a practice host)', () => {
	test.concurrent("takes a 15.0 host to 15.1 in a boot environment over SSH, in the order of the field notes, by the plan's own strings; the old one stays as it was", () =>
		inWorld('15.1-pkgbase', async (on) => {
			const before = await oldSystem(on);
			await on.host.powerOn();
			const shown = await on.bsdup([...pkgbaseArgs(on), '--dry-run']);
			const result = await on.bsdup(pkgbaseArgs(on));
			expect([result.stderr, result.code]).toEqual(['', 0]);
			expect(result.stdout).toMatch(/\n\/etc\/login\.access\.pkgsave\n/);
			expect(result.stdout).toMatch(
				/what the new packages have to say:[\s\S]*Message from FreeBSD-runtime-15\.1:[\s\S]*"service unbound setup"/,
			);
			const plan = planOf(on);
			expect(plan.manifest).toBe('freebsd/pkgbase');
			for (const { shown: text, planned } of shownSteps(plan, shown.stdout)) expect(text).toContain(planned);
			expect(await executed(on, plan)).toEqual(jobsOf(plan));
			expectOrder(on, ORDER);
			expect(await pkgbaseDifferences(on, '15.1-pkgbase')).toEqual([]);
			const after = await oldSystem(on);
			const own = (lines: string[]): string[] => lines.filter((line) => line.includes(' ./'));
			expect(own(after)).toEqual(own(before));
		}));

	test.concurrent('goes back by itself from an environment that boots without sshd; the rollback leaves the host as it was', () =>
		inWorld(
			'15.1-pkgbase',
			async (on) => {
				const before = await oldSystem(on);
				await on.host.powerOn();
				// The dead man's minute passes in three seconds.
				writeFileSync(join(on.host.dir, 'lab/hurry'), '20\n');
				const { code, stderr } = await on.bsdup([...pkgbaseArgs(on), '--watchdog', '1']);
				expect([code, stderr]).toEqual([1, expect.stringContaining('reboot: verdict: rebooted, old system')]);
				expect((await on.host.inside('freebsd-version -kru')).output).toBe('15.0-RELEASE\n15.0-RELEASE\n15.0-RELEASE\n');
				expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
				expect(await oldSystem(on)).toEqual(before);
			},
			{ noSshd: true },
		));

	test.concurrent('is taken back where the controller was killed while pkg was at work, and right before the last proof: the old environment is booted, then the new one is destroyed', () =>
		inWorld('15.1-pkgbase', async (on) => {
			const before = await oldSystem(on);
			await on.host.powerOn();
			await cutAt(on, pkgbaseArgs(on), 'Upgrading FreeBSD-kernel-generic', (kill) => kill('SIGKILL'));
			expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
			const unwell = await on.bsdup([...pkgbaseArgs(on), '--health', 'false']);
			expect([unwell.code, unwell.stderr]).toEqual([1, expect.stringContaining('not healthy: false')]);
			expect((await on.host.inside('freebsd-version -r')).output).toBe('15.1-RELEASE\n');
			expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
			expect(await oldSystem(on)).toEqual(before);
		}));

	/** Upgrades, the plug pulled in the midst of the packages; then a person goes on. */
	async function cutInTheMidst(on: World): Promise<string> {
		let off: Promise<void> = Promise.resolve();
		const { stdout } = await cutAt(on, pkgbaseArgs(on), 'Upgrading FreeBSD-runtime', (kill) => {
			off = on.host.powerCut();
			void off.then(() => kill('SIGKILL'));
		});
		await off;
		await on.host.powerOn();
		expect(await on.bsdup(['resume', '--yes', '--patience', '1'])).toMatchObject({ code: 0, stderr: '' });
		return stdout;
	}

	test.skipIf(LAB !== 'root').concurrent(`goes on after a power cut in the midst of the packages (${NEEDS_DISK})`, () =>
		inWorld('15.1-pkgbase', async (on) => {
			await cutInTheMidst(on);
			expect(await pkgbaseDifferences(on, '15.1-pkgbase')).toEqual([]);
		}),
	);

	const live = 'takes a host without boot environments to 15.1 live, in the order of the field notes, and says that there is no way back';
	test.concurrent(`${live}${LAB === 'root' ? '; it goes on after a power cut, from a system of both releases' : ''}`, () =>
		inWorld('15.1-pkgbase', async (on) => {
			await on.host.inside(': >/lab/no-be');
			const said = LAB === 'root' ? await cutInTheMidst(on) : (await on.bsdup(pkgbaseArgs(on))).stdout;
			expect(said).toContain('there is no way back but a backup');
			expectOrder(on, LIVE_ORDER);
			expect(await pkgbaseDifferences(on, '15.1-pkgbase', { live: true })).toEqual([]);
		}));
});
