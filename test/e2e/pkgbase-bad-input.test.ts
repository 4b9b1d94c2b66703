import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { publishPkgbase } from '../lab/freebsd/pkgbase.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { pkgbaseArgs } from './pkgbase-proof.ts';

describe.skipIf(LAB === null)('bad input to an upgrade of packaged base (needs a practice host)', () => {
	let on: World;
	let before: string;
	beforeAll(async () => {
		on = await makeWorld('15.0-pkgbase', '15.1-pkgbase');
		publishPkgbase(on.mirror.dir, '15.0-pkgbase');
		before = await looks();
	});
	afterAll(() => on.destroy());

	/** What a refused or taken back upgrade leaves as it was: the environments, the packages, the host's own catalogues. */
	async function looks(): Promise<string> {
		const parts = ['bectl list -H | cut -f 1,2', 'pkg query "%n-%v"', 'ls -R /var/db/pkg | cksum', 'mount', 'ls /tmp'];
		return (await on.host.inside(parts.join('; '))).output;
	}
	const untouched = async (): Promise<void> => expect(await looks()).toBe(before);

	/** Expects the refusal, and that nothing was laid on the host. */
	async function refused(args: string[], exit: number, ...says: RegExp[]): Promise<void> {
		const { code, stderr } = await on.bsdup(args);
		for (const one of says) expect(stderr).toMatch(one);
		expect(stderr).toMatch(/State: .+\nNext: {2}.+/);
		expect(code).toBe(exit);
		await untouched();
	}
	/** Fails on the way, and is taken back. */
	async function takenBack(says: RegExp): Promise<void> {
		const { code, stderr } = await on.bsdup(pkgbaseArgs(on));
		expect([code, stderr]).toEqual([1, expect.stringMatching(says)]);
		expect(await on.bsdup(['rollback'])).toMatchObject({ code: 0, stderr: '' });
		await untouched();
	}
	const release = (minor: number): string => join(on.mirror.dir, `FreeBSD:15:amd64/base_release_${minor}`);

	test('everything that speaks against the host is told at once', async () => {
		await on.host.inside(
			'cp -Rp /lab/pool/be/default "/lab/pool/be/15.1-$(date -u +%Y%m%d)"; echo 1 >/lab/securelevel; : >/lab/sick-pool; mkdir /var/db/pkg/locked; : >/var/db/pkg/locked/FreeBSD-kernel-generic; mv /var/db/pkg/local/FreeBSD-set-minimal /lab/set; sed -i s/15.0-RELEASE/14.3-RELEASE/ /bin/freebsd-version; mkdir -p "/var/db/freebsd-update/$(echo / | sha256 -q)-install"',
		);
		rmSync(release(1), { recursive: true });
		const { code, stdout } = await on.bsdup(pkgbaseArgs(on, 'check'));
		publishPkgbase(on.mirror.dir, '15.1-pkgbase');
		await on.host.inside(
			'rm -rf /lab/pool/be/15.1-* /var/db/pkg/locked /lab/securelevel /lab/sick-pool /var/db/freebsd-update; mv /lab/set /var/db/pkg/local/FreeBSD-set-minimal; sed -i s/14.3-RELEASE/15.0-RELEASE/ /bin/freebsd-version',
		);
		expect(code).toBe(1);
		expect([...stdout.matchAll(/^(?:warning: )?([a-z-]+): /gm)].map(([, id]) => id)).toEqual([
			...['half-upgraded', 'freebsd-update', 'name-taken', 'pool', 'repository-there', 'single-packages', 'locked', 'securelevel'],
		]);
		expect(stdout).toMatch(/repository-there: .*base_release_1\/meta\.conf: Not Found/);
		await untouched();
	});

	test.skipIf(LAB !== 'root')('a full pool (needs root, for a disk of its own)', async () => {
		await on.host.inside('/lab/real/bin/fallocate -l $(($(df -kP / | awk "END { print \\$4 }") - 300))K /lab/pool/share/large');
		const { code, stdout } = await on.bsdup(pkgbaseArgs(on, 'check'));
		await on.host.inside('rm /lab/pool/share/large');
		expect(code).toBe(1);
		expect(stdout).toMatch(/space: \/ has \d+ MiB free/);
		expect(stdout).toMatch(/room: .*0 MiB are free, \d+ are needed/);
	});

	test('a patch where every package is the newest', async () => {
		const { code, stdout } = await on.bsdup(pkgbaseArgs(on, 'check', '15.0-RELEASE'));
		expect([code, stdout]).toEqual([1, expect.stringContaining('nothing is to be done')]);
		await untouched();
	});

	test('dist sets, or a mirror, for a host of packages', async () => {
		await refused(
			[...pkgbaseArgs(on), '--method', 'boot-environment', '--mirror', on.mirror.url],
			1,
			/which sets must not replace[\s\S]*choose --method pkgbase/,
		);
		await refused([...pkgbaseArgs(on), '--mirror', on.mirror.url, '--sets', '/var/tmp'], 1, /leave out --mirror/, /leave out --sets/);
	});

	test('packages for a host of dist sets', async () => {
		const sets = await makeWorld('15.0-RELEASE', '15.1-pkgbase');
		try {
			const { code, stderr } = await sets.bsdup([...pkgbaseArgs(sets), '--method', 'pkgbase']);
			expect(code).toBe(1);
			expect(stderr).toMatch(/the base of this host is no packages[\s\S]*pkgbasify/);
			expect((await sets.host.inside('bectl list -H | cut -f 1,2; ls /var/db/bsdup 2>/dev/null')).output).toBe('default\tNR\n');
		} finally {
			await sets.destroy();
		}
	});

	test('a repository that holds another release than its name says is found out before anything is made, and taken back', async () => {
		rmSync(release(1), { recursive: true });
		cpSync(release(0), release(1), { recursive: true });
		await takenBack(/the repository holds 15\.0 as FreeBSD-runtime, which is not of 15\.1/).finally(() =>
			publishPkgbase(on.mirror.dir, '15.1-pkgbase'),
		);
	});

	test('a package that is damaged on the server is not installed, and all is taken back', async () => {
		const all = join(release(1), 'All');
		const file = readdirSync(all).find((name) => name.startsWith('FreeBSD-ssh')) ?? '';
		writeFileSync(join(all, file), 'torn');
		await takenBack(/failed checksum from repository/).finally(() => publishPkgbase(on.mirror.dir, '15.1-pkgbase'));
	});

	test('packages of ports that pkg would take away for those of base: in an environment it is taken back', async () => {
		publishPkgbase(on.mirror.dir, '15.1-pkgbase', { conflicts: 'gtar' });
		await takenBack(/gtar\npkg took these away/).finally(() => publishPkgbase(on.mirror.dir, '15.1-pkgbase'));
	});

	test('accounts that are lost where pkg was never told the original text: warned of, then found out before the new system is booted, and taken back', async () => {
		const shipped = '/var/db/pkg/shipped/FreeBSD-runtime/etc/master.passwd';
		await on.host.inside(`mv ${shipped} /lab/shipped`);
		const checked = await on.bsdup(pkgbaseArgs(on, 'check'));
		const { code, stderr } = await on.bsdup(pkgbaseArgs(on));
		const back = await on.bsdup(['rollback']);
		await on.host.inside(`mv /lab/shipped ${shipped}`);
		expect(checked.stdout).toMatch(/warning: originals: .*\/etc\/master\.passwd/);
		expect([code, stderr]).toEqual([1, expect.stringMatching(/\w+: this account is gone/)]);
		expect(back).toMatchObject({ code: 0, stderr: '' });
		await untouched();
	});

	test('nothing speaks against a sound host', async () => {
		expect((await on.bsdup(pkgbaseArgs(on, 'check'))).stdout).toMatch(/^Method pkgbase: .*\nnothing speaks against going to 15\.1\n$/);
	});

	// The last, for pkg itself stays newer.
	test('packages of ports that pkg would take away for those of base: live, before anything of base is replaced', async () => {
		publishPkgbase(on.mirror.dir, '15.1-pkgbase', { conflicts: 'gtar' });
		await on.host.inside(': >/lab/no-be');
		const { code, stderr } = await on.bsdup(pkgbaseArgs(on));
		expect([code, stderr]).toEqual([1, expect.stringMatching(/gtar:?\npkg would take these away/)]);
		expect((await on.host.inside('pkg query "%n-%v"; ls /var/db/bsdup/run-*/no-return')).output).toMatch(
			/FreeBSD-runtime-15\.0\n[\s\S]*gtar-1\.35\n[\s\S]*No such file/,
		);
	});
});
