import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { publishFreebsd } from '../lab/freebsd/mirror.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { setsArgs, systemOn } from './sets-proof.ts';
import { before } from './stand-in.ts';

const FOLDER = 'releases/amd64/amd64/15.0-RELEASE';

describe.skipIf(LAB === null)('bad input to a live upgrade by sets (needs a practice host)', () => {
	let on: World;
	let trusted: string;
	beforeAll(async () => {
		on = await makeWorld('14.3-UFS', '15.0-RELEASE');
		trusted = join(on.mirror.dir, 'trusted');
		copyFileSync(join(on.mirror.dir, FOLDER, 'MANIFEST'), trusted);
	});
	afterAll(() => on.destroy());

	async function untouched(): Promise<void> {
		const { output } = await on.host.inside('ls -d /boot/kernel* /boot/bsdup* /root/bsdup* /var/tmp/bsdup 2>/dev/null');
		expect(output).toBe('/boot/kernel\n');
	}
	/** Expects the refusal, and that nothing was laid on the host. */
	async function refused(args: string[], exit: number, ...says: RegExp[]): Promise<void> {
		const { code, stderr } = await on.bsdup(args);
		for (const one of says) expect(stderr).toMatch(one);
		expect(stderr).toMatch(/State: .+\nNext: {2}.+/);
		expect(code).toBe(exit);
		await untouched();
	}
	/** Publishes anew, then lets `work` meet it; afterwards the mirror is whole again. */
	async function onMirror(options: Parameters<typeof publishFreebsd>[2], work: () => Promise<void>): Promise<void> {
		rmSync(join(on.mirror.dir, FOLDER), { recursive: true });
		publishFreebsd(on.mirror.dir, '15.0-RELEASE', options);
		await work().finally(() => publishFreebsd(on.mirror.dir, '15.0-RELEASE'));
	}
	/** What `bsdup check` finds, by id, while the host is as `spoil` makes it and until `mend`. */
	async function findings(spoil: string, mend: string): Promise<{ ids: string[]; stdout: string }> {
		await on.host.inside(spoil);
		const { code, stdout } = await on.bsdup(setsArgs(on, '15.0-RELEASE', 'check'));
		await on.host.inside(mend);
		expect(code).toBe(1);
		await untouched();
		return { ids: [...stdout.matchAll(/^(?:warning: )?([a-z-]+): /gm)].map(([, id = '']) => id).sort(), stdout };
	}

	test('everything that speaks against the host is told at once', async () => {
		const unlike = before(on, 'mount', "echo 'zroot/ROOT/default on / (zfs, local, noatime, read-only)'; exit");
		const { ids, stdout } = await findings(
			[
				'cp -p /etc/rc.conf /lab/rc.conf; cp -p /boot/loader.conf /lab/loader.conf; mv /rescue/sysctl /lab/rescue-sysctl',
				'echo 1 >/lab/securelevel; : >/lab/pkgbase; : >/lab/jailed; echo \'kernel="GENERIC"\' >>/boot/loader.conf',
				'echo \'ifconfig_bridge0="addm em0"\nfirewall_enable="YES"\' >>/etc/rc.conf; mkdir /boot/bsdup.part; nextboot -k kernel',
				'mv /var/db/etcupdate/current /var/db/etcupdate/aside',
			].join('; '),
			[
				'cp -p /lab/rc.conf /etc/rc.conf; cp -p /lab/loader.conf /boot/loader.conf; cp -p /lab/rescue-sysctl /rescue/sysctl',
				'rm -rf /lab/securelevel /lab/pkgbase /lab/jailed /boot/bsdup.part; nextboot -D; mv /var/db/etcupdate/aside /var/db/etcupdate/current',
			].join('; '),
		).finally(unlike);
		expect(ids).toEqual([
			...['bridge-addresses', 'host-kind', 'ipfw', 'ipfw-live', 'jail', 'kernel-names', 'kernel-that-runs'],
			...['list-unproven', 'loader-kernel'],
			...['merge-base', 'nextboot', 'read-only', 'rescue', 'root-ufs', 'securelevel'],
		]);
		expect(stdout).toMatch(/base of this host is packages[\s\S]*choose --method pkgbase/);
		expect(stdout).toMatch(/this is a jail/);
	});

	test.skipIf(LAB !== 'root')('a disk with too little room for both kernels (needs root, for a disk of its own)', async () => {
		const { ids, stdout } = await findings(
			'/lab/real/bin/fallocate -l $(($(df -kP / | awk "END { print \\$4 }") - 6000))K /usr/large',
			'rm /usr/large',
		);
		expect(ids).toEqual(expect.arrayContaining(['kernel-space', 'space']));
		expect(stdout).toMatch(/kernel-space: \/boot has no room for the new kernel beside the old one: 5 MiB are free, 10 are needed/);
	});

	test('of a sound host nothing but the unsigned list is told, and not that where a trusted copy vouches for it', async () => {
		const { code, stdout } = await on.bsdup([...setsArgs(on, '15.0-RELEASE', 'check'), '--trusted-list', trusted]);
		expect([code, stdout]).toEqual([0, 'nothing speaks against going to 15.0\n']);
	});

	test.each([
		['the release that runs', '14.3', 1, /this release runs here already/],
		['a release two major versions on', '16.0', 1, /planned to end with 15/],
	])('%s as the target', async (_what, to, exit, says) => {
		await refused(setsArgs(on, to), exit, says);
	});

	test.each([
		['that is missing', '', /E_NOT_FOUND/],
		['that lacks a set which is needed', 'base.txz', /the list has no base\.txz/],
	])('a MANIFEST %s', async (_what, lacks, says) => {
		const list = join(on.mirror.dir, FOLDER, 'MANIFEST');
		const text = readFileSync(list, 'utf8');
		if (lacks === '') rmSync(list);
		else writeFileSync(list, text.replace(new RegExp(`^${lacks}\\t.*\\n`, 'm'), ''));
		await refused(setsArgs(on, '15.0-RELEASE'), 1, says).finally(() => writeFileSync(list, text));
	});

	test('a MANIFEST that was edited, beside a trusted copy', async () => {
		const file = join(on.mirror.dir, FOLDER, 'MANIFEST');
		const text = readFileSync(file, 'utf8');
		writeFileSync(file, text.replace(/base\.txz\t[0-9a-f]{4}/, 'base.txz\t0000'));
		const args = [...setsArgs(on, '15.0-RELEASE'), '--trusted-list', trusted];
		await refused(args, 1, /E_LIST_COPY/, /base\.txz differ/).finally(() => writeFileSync(file, text));
	});

	test('sets of another release are found out before anything is unpacked where nothing vouches for MANIFEST, and rolled back', async () => {
		const was = await systemOn(on);
		await on.host.powerOn();
		await onMirror({ setsOf: '14.3-RELEASE' }, async () => {
			const { code, stderr } = await on.bsdup(setsArgs(on, '15.0-RELEASE'));
			expect([code, stderr]).toEqual([1, expect.stringContaining('the kernel is of another release')]);
			expect(await on.bsdup(['rollback'])).toMatchObject({ code: 0, stderr: '' });
		});
		expect(await systemOn(on)).toEqual(was);
		await on.host.powerOn();
	});
});
