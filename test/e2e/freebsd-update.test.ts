import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import { treeOf } from '../lab/freebsd/install.ts';
import { etcFiles } from '../lab/freebsd/tree.ts';
import type { World } from '../lab/world.ts';
import { oldSystem } from './be-proof.ts';
import { cutAt } from './cut.ts';
import { executed, expectOrder, jobsOf, planOf, shownSteps } from './run-record.ts';
import { inUpdateWorld, updateArgs, updateDifferences, WAY_BACK, whileInstalling } from './update-proof.ts';

/** The order of F6, as the host's own process log must show it. */
const UPDATE = 'freebsd-update -f \\S+/update\\.conf';
const ORDER = [
	/bectl create 14\.3-before-15\.0$/,
	new RegExp(`${UPDATE} --not-running-from-cron fetch$`),
	new RegExp(`${UPDATE} install$`),
	/shutdown -r now$/,
	/script -q -t 0 \S+ env PAGER=cat EDITOR=/,
	new RegExp(`${UPDATE} -r 15\\.0-RELEASE upgrade$`),
	new RegExp(`${UPDATE} install$`),
	/shutdown -r now$/,
	/freebsd-version -kru$/,
	new RegExp(`${UPDATE} install$`),
	/sshd -t$/,
	/service sshd restart$/,
	/service sshd status$/,
	/pkg bootstrap -f$/,
	/pkg-static upgrade -f /,
	new RegExp(`${UPDATE} install$`),
	/mv \S+loader\.efi\.new /,
	/shutdown -r now$/,
	/freebsd-version -kru$/,
	/service sshd status$/,
];
/** The hash of a file of 15.0. */
const SERVICES = createHash('sha256')
	.update(etcFiles({ level: 1500 }).find(({ path }) => path === 'etc/services')?.text ?? '')
	.digest('hex');

/** Goes on with the run, which must end well. */
async function resume(on: World): Promise<void> {
	expect(await on.bsdup(['resume', '--yes', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
}
/** What the host must be after it was taken back: what it was; a new loader may stay. Turns it off. */
async function expectAsBefore(on: World, before: readonly string[], loader: 'old' | 'new'): Promise<void> {
	// What was fetched stays where freebsd-update finds it again.
	const stays = loader === 'old' ? /freebsd-update\/|freebsd-update d/ : /freebsd-update\/|freebsd-update d| esp\//;
	const same = (lines: readonly string[]): string[] => lines.filter((line) => !stays.test(line));
	expect(same(await oldSystem(on))).toEqual(same(before));
}

describe.skipIf(LAB === null)('an upgrade by freebsd-update (needs a practice host)', () => {
	test.concurrent("takes a 14.3 host to 15.0 over SSH, in the order of the field notes, by the plan's own strings; the way back is the system as it was", () =>
		inUpdateWorld(async (on) => {
			const before = await oldSystem(on);
			await on.host.powerOn();
			await on.host.inside('echo mine >/etc/gone.conf; echo mine >/etc/added.conf');
			// What a fetch that was cut off has stored of a file of 15.0.
			await on.host.inside(`mkdir -p /var/db/freebsd-update/files; echo torn >/var/db/freebsd-update/files/${SERVICES}.gz`);
			const shown = await on.bsdup([...updateArgs(on), '--dry-run']);
			const result = await on.bsdup(updateArgs(on));
			expect(result).toMatchObject({ code: 0, stderr: '' });
			expect(result.stdout).toContain(
				'files of /etc that both sides changed keep what this host had:\n/etc/master.passwd\n/etc/motd.template\n',
			);
			expect(result.stdout).toMatch(/the release has no more are removed.*:\n\/etc\/gone\.conf\n/);
			expect(result.stdout).toMatch(/merged, or replaced where .* in etc\.tgz of .*:\n\/etc\/added\.conf\n/);
			expect(result.stdout).toContain(`files/${SERVICES}.gz is torn`);
			const plan = planOf(on);
			for (const { shown: text, planned } of shownSteps(plan, shown.stdout)) expect(text).toContain(planned);
			expect(await executed(on, plan)).toEqual(jobsOf(plan));
			expectOrder(on, ORDER);
			expect(await updateDifferences(on)).toEqual([]);
			const own = (lines: string[]): string[] => lines.filter((line) => line.includes(' ./'));
			expect(
				own(await oldSystem(on, treeOf(WAY_BACK))).filter((line) => !/etc\/(gone|added)\.conf|db\/freebsd-update\//.test(line)),
			).toEqual(own(before));
		}));

	test.skipIf(LAB !== 'root').concurrent(
		`goes on by freebsd-update's own files after a power cut or a kill in each phase (${NEEDS_DISK})`,
		() =>
			inUpdateWorld(async (on) => {
				const powerCut = async (kill: () => void): Promise<void> => {
					await on.host.powerCut();
					kill();
				};
				const again = ['resume', '--yes', '--patience', '3'];
				await whileInstalling(on, updateArgs(on), '/boot/kernel/kernel', powerCut);
				await on.host.powerOn();
				await cutAt(on, again, 'Attempting to automatically merge', (kill) => {
					void on.host.inside('/lab/real/bin/pkill -9 -f "[f]reebsd-update -f"').then(() => kill('SIGKILL'));
				});
				await whileInstalling(on, again, '/boot/kernel/kernel', powerCut);
				await on.host.powerOn();
				await whileInstalling(on, again, '/usr/bin/awk', powerCut);
				await on.host.powerOn();
				await resume(on);
				expect(await updateDifferences(on)).toEqual([]);
			}),
		400_000,
	);

	test.concurrent('is taken back after the last reboot, where something that a person asked for does not hold', () =>
		inUpdateWorld(async (on) => {
			const before = await oldSystem(on);
			await on.host.powerOn();
			const unwell = await on.bsdup([...updateArgs(on), '--health', 'true', '--health', 'test -f /srv/"the app"']);
			expect([unwell.code, unwell.stderr]).toEqual([1, expect.stringContaining('not healthy: test -f /srv/"the app"')]);
			expect((await on.host.inside('freebsd-version -u')).output).toBe('15.0-RELEASE\n');
			expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
			await expectAsBefore(on, before, 'new');
		}));
	test
		.skipIf(LAB !== 'root')
		.concurrent(`is taken back at the console where a person chose the kept environment in the loader's menu (${NEEDS_DISK})`, () =>
			inUpdateWorld(async (on) => {
				const before = await oldSystem(on);
				await on.host.powerOn();
				await whileInstalling(on, updateArgs(on), '/sbin/bectl', async (kill) => {
					await on.host.powerCut();
					kill();
				});
				await on.host.powerOn(WAY_BACK);
				expect(await on.host.inside('sh /var/db/bsdup/run-*/resume.sh rollback')).toMatchObject({
					code: 0,
					output: expect.stringMatching(/the run is taken back; the host is free\n$/),
				});
				await expectAsBefore(on, before, 'old');
			}),
		);
});
