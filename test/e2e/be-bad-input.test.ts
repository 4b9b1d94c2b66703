import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { publishFreebsd } from '../lab/freebsd/mirror.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { environmentArgs } from './be-proof.ts';

const FOLDER = 'releases/amd64/amd64/15.0-RELEASE';

describe.skipIf(LAB === null)('bad input to an upgrade in a boot environment (needs a practice host)', () => {
	let on: World;
	let trusted: string;
	beforeAll(async () => {
		on = await makeWorld('14.3-RELEASE', '15.0-RELEASE');
		trusted = join(on.mirror.dir, 'trusted');
		copyFileSync(join(on.mirror.dir, FOLDER, 'MANIFEST'), trusted);
	});
	afterAll(() => on.destroy());

	/** Expects the refusal, and that nothing was laid on the host. */
	async function refused(args: string[], exit: number, ...says: (string | RegExp)[]): Promise<void> {
		const { code, stderr } = await on.bsdup(args);
		for (const one of says) expect(stderr).toMatch(one);
		expect(stderr).toMatch(/State: .+\nNext: {2}.+/);
		expect(code).toBe(exit);
		await untouched();
	}
	async function untouched(): Promise<void> {
		expect((await on.host.inside('bectl list -H | cut -f 1,2; ls -d /var/tmp/bsdup 2>/dev/null')).output).toBe('default\tNR\n');
	}
	/** Publishes anew, then lets `work` meet it; afterwards the mirror is whole again. */
	async function onMirror(options: Parameters<typeof publishFreebsd>[2], work: () => Promise<void>): Promise<void> {
		rmSync(join(on.mirror.dir, FOLDER), { recursive: true });
		publishFreebsd(on.mirror.dir, '15.0-RELEASE', options);
		await work().finally(() => publishFreebsd(on.mirror.dir, '15.0-RELEASE'));
	}
	const changed = (from: string, to: string): string[] => environmentArgs(on).map((word) => (word === from ? to : word));

	test('everything that speaks against the host is told at once', async () => {
		const spoil = [
			'cp -Rp /lab/pool/be/default /lab/pool/be/15.0; : >/lab/no-bootonce; echo 1 >/lab/securelevel; : >/lab/pkgbase',
			'mkdir -p "/var/db/freebsd-update/$(echo / | sha256 -q)-install" /var/db/etcupdate/conflicts; : >/var/db/etcupdate/conflicts/x',
			'echo \'ifconfig_em1="inet 192.0.2.8"\' >>/etc/rc.conf; echo \'ifconfig_bridge0="addm em0"\nfirewall_enable="YES"\' >>/etc/rc.conf',
			'sed -i s/14.3-RELEASE/13.5-RELEASE/ /bin/freebsd-version; echo "0 3 * * * root freebsd-update cron" >/etc/crontab; : >/lab/sick-pool',
		];
		await on.host.inside(`cp -Rp /etc /lab/etc; cp -p /bin/freebsd-version /lab/fv; ${spoil.join('; ')}`);
		const { code, stdout } = await on.bsdup([...environmentArgs(on, 'check'), '--method', 'boot-environment']);
		await on.host.inside(
			'rm -rf /lab/pool/be/15.0 /lab/no-bootonce /lab/securelevel /lab/pkgbase /lab/sick-pool /var/db/freebsd-update /var/db/etcupdate/conflicts /etc/crontab; cp -p /lab/etc/rc.conf /etc/rc.conf; cp -p /lab/fv /bin/freebsd-version',
		);
		expect(code).toBe(1);
		const ids = [...stdout.matchAll(/^(?:warning: )?([a-z-]+): /gm)].map(([, id]) => id);
		expect(ids).toEqual([
			...['host-kind', 'list-unproven', 'half-upgraded', 'freebsd-update', 'freebsd-update-cron', 'ipfw', 'address-without-mask'],
			...['bridge-addresses', 'boot-once', 'name-taken', 'pool', 'securelevel', 'merge-open'],
		]);
		expect(stdout).toContain('9 to mend first');
		await untouched();
	});

	test('of a sound host the facts tell what is asked of it', async () => {
		const { stdout } = await on.bsdup(['facts', on.host.ssh.spec, ...on.host.flags, '--json']);
		expect(JSON.parse(stdout)).toMatchObject({
			...{ system: 'FreeBSD', release: '14.3', flavour: 'release', rootDisk: 'zroot/ROOT/default', customKernel: false, securelevel: -1 },
			sets: ['kernel', 'base', 'lib32'],
			also: {
				...{ versions: ['14.3-RELEASE-p2', '14.3-RELEASE-p2', '14.3-RELEASE'], osversion: '1403000 1403000', pkgbase: false },
				...{ bootEnvironments: ['default NR'], bootMethod: 'UEFI', espMounts: ['/dev/gpt/efiboot0 /boot/efi'], modules: ['zfs.ko'] },
			},
		});
	});

	test.skipIf(LAB !== 'root')('a pool with too little room (needs root, for a disk of its own)', async () => {
		await on.host.inside('/lab/real/bin/fallocate -l $(($(df -kP / | awk "END { print \\$4 }") - 500000))K /lab/pool/share/large');
		const { code, stdout } = await on.bsdup(environmentArgs(on, 'check'));
		await on.host.inside('rm /lab/pool/share/large');
		expect(code).toBe(1);
		expect(stdout).toMatch(/space: \/ has \d+ MiB free, 30\d\d are needed/);
	});

	test('a host without boot environments, and a jail', async () => {
		await on.host.inside(': >/lab/no-be; : >/lab/jailed');
		const { code, stdout } = await on.bsdup(environmentArgs(on, 'check'));
		await on.host.inside('rm /lab/no-be /lab/jailed');
		expect(code).toBe(1);
		expect(stdout).toMatch(/this is a jail[\s\S]*has no boot environments/);
		await untouched();
	});

	test('a pool that cannot be told what to boot once is found out before anything is unpacked, and rolled back', async () => {
		await on.host.inside(': >/lab/bootonce-fails');
		const { code, stderr } = await on.bsdup(environmentArgs(on));
		expect([code, stderr]).toEqual([1, expect.stringContaining('this pool cannot be told what to boot once')]);
		expect(await on.bsdup(['rollback'])).toMatchObject({ code: 0, stderr: '' });
		await on.host.inside('rm /lab/bootonce-fails');
		await untouched();
	});

	test.each([
		['a snapshot', 'snapshot', 2, [/E_USAGE/, /goes to releases only/]],
		['a word', '15.0-RC1', 2, [/E_USAGE/, /--to 15\.0-RELEASE/]],
		['a release that is not there', '15.1', 1, [/E_NOT_FOUND/]],
		['an older release', '13.5-RELEASE', 1, [/13\.5 is older than the running 14\.3/]],
		['a release two major versions on', '16.0', 1, [/14\.3 to 16\.0 skips a release/, /planned to end with 15/]],
	])('%s as the target', async (_what, to, exit, says) => {
		await refused(changed('15.0-RELEASE', to), exit, ...says);
	});

	test('a release that lacks a set which is needed', async () => {
		await onMirror({ without: ['src'] }, () => refused(environmentArgs(on), 1, /the list has no src\.txz/));
	});

	test('a MANIFEST that was edited, or is of another release, beside a trusted copy', async () => {
		const args = [...environmentArgs(on), '--trusted-list', trusted];
		const file = join(on.mirror.dir, FOLDER, 'MANIFEST');
		const text = readFileSync(file, 'utf8');
		writeFileSync(file, text.replace(/base\.txz\t[0-9a-f]{4}/, 'base.txz\t0000'));
		await refused(args, 1, /E_LIST_COPY/, /base\.txz differ/).finally(() => writeFileSync(file, text));
		await onMirror({ setsOf: '14.3-RELEASE' }, () => refused(args, 1, /E_LIST_COPY/, /base\.txz kernel\.txz/));
	});

	test('sets of another release are found out before the reboot where nothing vouches for MANIFEST, and rolled back', async () => {
		await onMirror({ setsOf: '14.3-RELEASE' }, async () => {
			const { code, stderr } = await on.bsdup(environmentArgs(on));
			expect([code, stderr]).toEqual([1, expect.stringContaining('the kernel is of another release')]);
			expect(await on.bsdup(['rollback'])).toMatchObject({ code: 0, stderr: '' });
		});
		await untouched();
	});

	test('nothing is warned of where the trusted copy vouches for MANIFEST', async () => {
		const { stdout } = await on.bsdup([...environmentArgs(on, 'check'), '--trusted-list', trusted]);
		expect(stdout).toMatch(/^Method boot-environment: .*\nnothing speaks against going to 15\.0\n$/);
	});
});
