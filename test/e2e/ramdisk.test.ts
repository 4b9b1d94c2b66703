import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { cutAt } from './cut.ts';
import { differences, upgradeArgs } from './proof.ts';
import { executed, jobsOf, planOf } from './run-record.ts';
import { tree } from './tree.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

/** The words of an upgrade in place, without the method: then it is the preferred one. */
const byDefault = (on: World): string[] => upgradeArgs(on, '7.8').filter((word) => word !== '--method' && word !== 'in-place');

/** The tree but for what the system itself links anew at each boot, and numbers of processes. */
async function unlinked(on: World): Promise<string[]> {
	return (await tree(on)).filter(
		(line) => !/(^| )\.?\/(bsd(\.booted.*)?|usr\/lib\/libc\.so\S*|usr\/sbin\/sshd|var\/db\/kernel\.SHA256|run\/sshd\.pid)$/.test(line),
	);
}

const resume = ['resume', '--yes', '--patience', '1'];

describe.skipIf(LAB === null)('an upgrade by the install kernel (needs a practice host)', () => {
	test("takes a 7.7 host to 7.8 over SSH with the plan's own strings; one that failed before it wrote, or half way, tells so and is tried again", async () => {
		world = await makeWorld('7.7', '7.8');
		const on = world;
		await on.host.inside("echo 'echo mine >>/var/log/mine' >/etc/rc.firsttime");
		const args = byDefault(on);
		const shown = await on.bsdup([...args, '--dry-run']);
		expect(shown.stdout).toContain(
			'\nMethod ramdisk: nothing of the system runs while its files are replaced. Another is had by --method.\n',
		);
		// A loader on softraid boots it again each time, until a person types the old kernel.
		const softraid = join(on.host.dir, 'lab/softraid');
		writeFileSync(softraid, '');
		on.host.spoilUpgrade(`echo '/dev/sd9a /gone ffs rw 1 2' >>"$root/etc/fstab"`);
		const typed = vi
			.waitUntil(() => on.host.console().split('installation program').length > 3, { timeout: 120_000, interval: 50 })
			.then(() => on.host.powerOff())
			.then(() => {
				rmSync(softraid);
				on.host.withDisk((root) => writeFileSync(join(root, 'etc/fstab'), '/dev/sd0a / ffs rw 1 1\n'));
				return on.host.powerOn('/bsd');
			});
		const first = await on.bsdup(args);
		await typed;
		expect([first.code, first.stderr]).toEqual([1, expect.stringMatching(/verdict: came back unchanged: .* with \/ on softraid/)]);
		on.host.spoilUpgrade('torn=base');
		const second = await on.bsdup(resume);
		expect([second.code, second.stderr]).toEqual([1, expect.stringMatching(/verdict: came back half upgraded/)]);
		expect((await on.bsdup(['rollback'])).stderr).toContain('E_NO_RETURN');
		const third = await on.bsdup(resume);
		expect([third.code, third.stderr]).toEqual([0, '']);
		const plan = planOf(on);
		const id = (name: string): string => name.replace('run-', '');
		const run = id(/^run (\S+),/m.exec(shown.stdout)?.[1] ?? '');
		for (const step of plan.steps) {
			expect(shown.stdout.replaceAll(run, id(plan.run))).toContain(step.commands.map((line) => `     ${line}\n`).join(''));
		}
		expect(await executed(on, plan)).toEqual(jobsOf(plan));
		const installed = on.host
			.console()
			.match(/^Installing \S+/gm)
			?.map((line) => line.split(' ')[1]);
		expect(installed?.slice(-11).join(' ')).toMatch(/^bsd bsd\.mp bsd\.rd base78\.tgz (\w+78\.tgz ?){7}$/);
		expect((await on.host.inside('cat /var/log/mine')).output).toBe('mine\n');
		expect((await on.host.inside('ls -a / /usr/rel')).output).not.toMatch(/upgrade/);
		expect(await differences(on, '7.8')).toEqual([]);
	});

	test('that the loader passed over, whose sets were turned down, or that waited at its prompt, changed nothing and is taken back, file by file', async () => {
		world = await makeWorld('7.7', '7.8');
		const on = world;
		const before = await unlinked(on);
		await on.host.inside("echo 'boot blocks of 6000' >/usr/mdec/boot");
		const passed = await on.bsdup(byDefault(on));
		expect([passed.code, passed.stderr]).toEqual([1, expect.stringMatching(/verdict: came back unchanged: the loader did not boot/)]);
		await on.host.inside("echo 'boot blocks of 7700' | tee /boot >/usr/mdec/boot");
		on.host.spoilUpgrade('rm "$root"/usr/rel/upgrade/INSTALL.*');
		const first = await on.bsdup(resume);
		expect([first.code, first.stderr]).toEqual([1, expect.stringMatching(/verdict: came back unchanged: .* took the answers or the sets/)]);
		on.host.spoilUpgrade('rmdir "$root/mnt"');
		await cutAt(on, resume, 'waiting for the host to come back', (kill) => {
			void vi.waitUntil(() => on.host.state === 'installer', { timeout: 60_000, interval: 50 }).then(() => kill('SIGKILL'));
		});
		await on.host.powerOff();
		on.host.withDisk((root) => mkdirSync(join(root, 'mnt')));
		await on.host.powerOn();
		const back = await on.bsdup(['rollback']);
		expect([back.code, back.stderr]).toEqual([0, '']);
		expect(await unlinked(on)).toEqual(before);
	});
});
