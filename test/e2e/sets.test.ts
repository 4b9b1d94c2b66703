import { describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import type { SystemName } from '../lab/system.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { carryByScript } from './by-script.ts';
import { cutAt } from './cut.ts';
import { executed, expectOrder, jobsOf, planOf, shownSteps } from './run-record.ts';
import { setsArgs, setsDifferences, systemOn } from './sets-proof.ts';

/** Does `work` on a world of its own, so that several go side by side. */
async function inWorld(from: SystemName, to: SystemName, work: (on: World) => Promise<void>): Promise<void> {
	const on = await makeWorld(from, to);
	try {
		await work(on);
	} finally {
		await on.destroy();
	}
}

/** Mounts what may not be changed, at each boot. */
const CD = '/lab/real/bin/mount -t tmpfs -o ro cd /mnt';

const KERNEL_FIRST = [
	/tar -xpf \S+\/kernel\.txz -C \/boot\/bsdup\.part$/,
	/nextboot -k kernel\.\S+$/,
	/shutdown -r now$/,
	/mv \/boot\/kernel \/boot\/kernel\.old$/,
	/mv \/boot\/bsdup\.part \/boot\/kernel$/,
	/shutdown -r now$/,
	/service cron onestop$/,
];
const AFTER_THE_WORLD = [
	/sshd -t$/,
	/shutdown -r now$/,
	/make -C \S+ BATCH_DELETE_OLD_FILES=yes delete-old$/,
	/pkg-static upgrade -f /,
	/shutdown -r now$/,
];

describe.skipIf(LAB === null)('a live upgrade by sets (needs a practice host)', () => {
	// What is mounted on /mnt may not be changed: tar could not set its times.
	test.concurrent("takes a 14.3 host on UFS, a CD in it, to 15.0 over SSH, in the order of the field notes, by the plan's own strings, and nothing dies for want of libsys", () =>
		inWorld('14.3-UFS', '15.0-RELEASE', async (on) => {
			await on.host.inside(`echo '${CD}' >/etc/rc.d/cd; chmod 755 /etc/rc.d/cd; sh /etc/rc.d/cd`);
			const shown = await on.bsdup([...setsArgs(on, '15.0-RELEASE'), '--dry-run']);
			const result = await on.bsdup(setsArgs(on, '15.0-RELEASE'));
			expect(result.stderr).toMatch(
				/^bsdup: warning: nothing but the mirror's own word vouches for MANIFEST.*\n {2}--trusted-list FILE.*\n$/,
			);
			expect(result.code, result.stdout + result.stderr).toBe(0);
			expect(result.stdout).toMatch(/patches of 15\.0 are in no set: freebsd-update fetch install brings them\nproven: /);
			const plan = planOf(on);
			for (const { shown: text, planned } of shownSteps(plan, shown.stdout)) expect(text).toContain(planned);
			expect(await executed(on, plan)).toEqual(jobsOf(plan));
			expectOrder(on, [
				...KERNEL_FIRST,
				/etcupdate -p -s /,
				/static \S+\/mv -f \S+ \/libexec\/ld-elf\.so\.1$/,
				/static \S+\/mv -f \S+ \/lib\/libsys\.so\.7$/,
				/static \S+\/mv -f \S+ \/lib\/libc\.so\.7$/,
				/static \S+\/mv -f \S+ \/lib\/libthr\.so\.3$/,
				/static \S+\/tar -xpf base\.txz -C \/ --clear-nochange-fflags -X \S+\/stays --exclude \^\.\/boot --exclude \^\.\/rescue /,
				/static \S+\/tar -xpf lib32\.txz -C \/ --clear-nochange-fflags -X \S+\/stays$/,
				/static \S+\/tar -xpf base\.txz -C \/ \.\/rescue$/,
				/service sshd restart$/,
				/etcupdate -s /,
				...AFTER_THE_WORLD,
			]);
			expect(await setsDifferences(on, '14.3-UFS', '15.0-RELEASE')).toEqual([]);
		}));

	test.concurrent('takes a 9.3 host to 10.4 by the script alone, at its console, with mergemaster and without freebsd-version', () =>
		inWorld('9.3-RELEASE', '10.4-RELEASE', async (on) => {
			const said = await carryByScript(on, setsArgs(on, '10.4-RELEASE', 'plan'));
			expect(said).toMatch(/mergemaster leaves to a person what was changed here/);
			expect(said).toMatch(/files of \/etc that differ wait in[\s\S]*\/etc\/ssh\/sshd_config[\s\S]*done {4}the host runs the new system/);
			expectOrder(on, [
				...KERNEL_FIRST,
				/mergemaster -p -m /,
				/static \S+\/chflags -R noschg \/sbin$/,
				/static \S+\/tar -xpf base\.txz -C \/ -X \S+\/stays --exclude \^\.\/boot /,
				/service sshd restart$/,
				/mergemaster -iFU --run-updates=always -m /,
				...AFTER_THE_WORLD,
			]);
			expect(await setsDifferences(on, '9.3-RELEASE', '10.4-RELEASE')).toEqual([]);
		}));

	test.concurrent('is taken back over SSH until the world is unpacked, and leaves the host as it was', () =>
		inWorld('14.3-UFS', '15.0-RELEASE', async (on) => {
			const was = await systemOn(on);
			await on.host.powerOn();
			await cutAt(on, setsArgs(on, '15.0-RELEASE'), 'done     users\n', (kill) => kill('SIGKILL'));
			expect(on.host.boots).toBe(4);
			expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
			expect((await on.host.inside('uname -r; service cron status')).output).toBe('14.3-RELEASE-p2\ncron is running as pid 812.\n');
			expect(await systemOn(on)).toEqual(was);
		}));
});
