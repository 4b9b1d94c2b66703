import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import type { PublishOptions } from '../lab/system.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { environmentArgs, environmentDifferences, oldSystem } from './be-proof.ts';
import { cutAt } from './cut.ts';
import { executed, expectOrder, jobsOf, planOf, shownSteps } from './run-record.ts';

/** Does `work` on a world of its own, so that several go side by side. */
async function inWorld(work: (on: World) => Promise<void>, options: PublishOptions = {}): Promise<void> {
	const on = await makeWorld('14.3-RELEASE', '15.0-RELEASE', options);
	try {
		await work(on);
	} finally {
		await on.destroy();
	}
}

/** The order of F5, as the host's own process log must show it: the source tree is unpacked first here. */
const ORDER = [
	/tar -xf \S+\/src\.txz/,
	/bectl create 15\.0$/,
	/bectl mount 15\.0 /,
	/mv \S+\/boot\/kernel \S+\/boot\/kernel\.old$/,
	/tar -xpf kernel\.txz/,
	/tar -xpf base\.txz .*--clear-nochange-fflags -X \S+\/stays /,
	/tar -xpf lib32\.txz .*--clear-nochange-fflags/,
	/etcupdate -p -s /,
	/etcupdate -s /,
	/etcupdate status -D /,
	/make -C \S+ DESTDIR=\S+ BATCH_DELETE_OLD_FILES=yes delete-old$/,
	/rm -f \S+\/linker\.hints$/,
	/kldxref -R /,
	/bectl umount 15\.0$/,
	/bectl activate -t 15\.0$/,
	/shutdown -r now$/,
	/freebsd-version -kru$/,
	/service sshd status$/,
	/bectl activate 15\.0$/,
	/certctl rehash$/,
	/pkg bootstrap -f$/,
	/pkg-static upgrade -f /,
	/make -C \S+ check-old-libs$/,
	/shutdown -r now$/,
];

describe.skipIf(LAB === null)('an upgrade in a new boot environment (needs a practice host)', () => {
	test.concurrent("takes a 14.3 host to 15.0 over SSH, in the order of the field notes, by the plan's own strings; the old environment stays as it was", () =>
		inWorld(async (on) => {
			const before = await oldSystem(on);
			await on.host.powerOn();
			const shown = await on.bsdup([...environmentArgs(on), '--dry-run']);
			const result = await on.bsdup(environmentArgs(on));
			expect(result.stderr).toMatch(
				/^bsdup: warning: nothing but the mirror's own word vouches for MANIFEST.*\n {2}--trusted-list FILE.*\n$/,
			);
			expect(result.code).toBe(0);
			expect(result.stdout).toMatch(/accounts that both sides changed keep the line of this host:\nroot in \/etc\/master\.passwd\n/);
			expect(result.stdout).toMatch(
				/files of \/etc that both sides changed keep what this host had.*\n {2}C \/etc\/motd\.template\n(?! {2}|Warn)/,
			);
			expect(result.stdout).toMatch(/patches of 15\.0 are in no set: freebsd-update fetch install brings them\nproven: /);
			expect(result.stdout).toMatch(/what etcupdate leaves to be done by hand:\n {2}Needs update: \/etc\/mail\/aliases\.db/);
			const plan = planOf(on);
			for (const { shown: text, planned } of shownSteps(plan, shown.stdout)) expect(text).toContain(planned);
			expect(await executed(on, plan)).toEqual(jobsOf(plan));
			expectOrder(on, ORDER);
			expect(await environmentDifferences(on)).toEqual([]);
			const after = await oldSystem(on);
			const own = (lines: string[]): string[] => lines.filter((line) => line.includes(' ./'));
			expect(own(after)).toEqual(own(before));
		}));

	test.concurrent('goes back by itself from an environment that boots without sshd, and says so; the rollback leaves the host as it was', () =>
		inWorld(
			async (on) => {
				const before = await oldSystem(on);
				await on.host.powerOn();
				// The dead man's minute passes in three seconds.
				writeFileSync(join(on.host.dir, 'lab/hurry'), '20\n');
				const { code, stderr, stdout } = await on.bsdup([...environmentArgs(on), '--watchdog', '1']);
				expect(code).toBe(1);
				expect(stderr).toContain('reboot: verdict: rebooted, old system');
				expect(stderr).toMatch(/^Next: {2}bsdup rollback run-/m);
				expect(stdout).not.toContain('begun again');
				expect(on.host.console()).toContain('Boot once: zfs:zroot/ROOT/15.0');
				expect((await on.host.inside('freebsd-version -kru; bectl list -H | cut -f 1,2')).output).toBe(
					'14.3-RELEASE-p2\n14.3-RELEASE-p2\n14.3-RELEASE\n15.0\t-\ndefault\tNR\n',
				);
				expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
				expect((await on.bsdup(environmentArgs(on, 'check'))).stdout).toContain('nothing speaks against going to 15.0');
				expect(await oldSystem(on)).toEqual(before);
			},
			{ noSshd: true },
		));

	test.concurrent('is taken back after its reboot as well, where something that a person asked for does not hold: the old environment is booted, then the new one is destroyed', () =>
		inWorld(async (on) => {
			const before = await oldSystem(on);
			await on.host.powerOn();
			const unwell = await on.bsdup([...environmentArgs(on), '--health', 'true', '--health', 'test -f /srv/"the app"']);
			expect(unwell.code).toBe(1);
			expect(unwell.stderr).toContain('not healthy: test -f /srv/"the app"');
			expect((await on.host.inside('freebsd-version -r')).output).toBe('15.0-RELEASE\n');
			expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
			expect(await oldSystem(on)).toEqual(before);
		}));

	test.concurrent('is taken back where the controller was killed while the sets are unpacked', () =>
		inWorld(async (on) => {
			const before = await oldSystem(on);
			await on.host.powerOn();
			await cutAt(on, environmentArgs(on), 'unpacking base.txz', (kill) => kill('SIGKILL'));
			expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
			expect(await oldSystem(on)).toEqual(before);
		}));

	// The new loader stays, and boots the old system.
	const exceptLoader = (lines: readonly string[]): string[] => lines.filter((line) => !line.includes(' esp/'));

	test
		.skipIf(LAB !== 'root')
		.concurrent(
			`is taken back after a power cut while it is booted as the default: the old environment is that again (${NEEDS_DISK})`,
			() =>
				inWorld(async (on) => {
					const before = await oldSystem(on);
					await on.host.powerOn();
					let cut: Promise<void> = Promise.resolve();
					await cutAt(on, environmentArgs(on), 'running  reboot-last\n', (kill) => {
						cut = on.host.powerCut();
						void cut.then(() => kill('SIGKILL'));
					});
					await cut;
					await on.host.powerOn();
					expect((await on.host.inside('freebsd-version -r')).output).toBe('15.0-RELEASE\n');
					expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
					expect(exceptLoader(await oldSystem(on))).toEqual(exceptLoader(before));
				}),
		);

	test
		.skipIf(LAB !== 'root')
		.concurrent(
			`is taken back at the console of the old environment, chosen in the loader's menu when the new one was the default (${NEEDS_DISK})`,
			() =>
				inWorld(async (on) => {
					const before = await oldSystem(on);
					await on.host.powerOn();
					await cutAt(on, environmentArgs(on), 'done     activate\n', (kill) => kill('SIGKILL'));
					await on.host.powerOff();
					await on.host.powerOn('default');
					expect(await on.host.inside('sh /var/db/bsdup/run-*/resume.sh rollback')).toMatchObject({
						code: 0,
						output: expect.stringMatching(/the run is taken back; the host is free\n$/),
					});
					expect(exceptLoader(await oldSystem(on))).toEqual(exceptLoader(before));
				}),
		);

	test.skipIf(LAB !== 'root').concurrent.each([
		// What that step says last may be on its way when the host goes down.
		['after the new environment was chosen for one boot', 'running  reboot\n', /\/shutdown -r now$/],
		['right after the proof, before it is the default', 'done     prove\n', /./],
		['while the loader is renewed', 'running  loader\n', /./],
	])(`goes on after a power cut %s (${NEEDS_DISK})`, (_when, said, started) =>
		inWorld(async (on) => {
			let cut: Promise<void> = Promise.resolve();
			await cutAt(on, environmentArgs(on), said, (kill) => {
				cut = (async () => {
					while (!on.host.processLog().some((line) => started.test(line))) await sleep(10);
					await on.host.powerCut();
				})();
				void cut.then(() => kill('SIGKILL'));
			});
			await cut;
			await on.host.powerOn();
			expect(await on.bsdup(['resume', '--yes', '--patience', '1'])).toMatchObject({ code: 0, stderr: '' });
			expect(await environmentDifferences(on)).toEqual([]);
		}),
	);
});
