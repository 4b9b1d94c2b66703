import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../ability.ts';
import { type Mirror, serveMirror } from '../mirror.ts';
import { PracticeHost } from '../practice-host.ts';
import { publishPkgbase } from './pkgbase.ts';

const NEXT = '-o ABI=FreeBSD:15:amd64 -o OSVERSION=1501000';

describe.skipIf(LAB === null)('a practice host of packaged base (needs a practice host)', () => {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-pkgbase-'));
	let mirror: Mirror;
	let host: PracticeHost;
	beforeAll(async () => {
		publishPkgbase(dir, '15.1-pkgbase');
		publishPkgbase(dir, '15.0-pkgbase');
		mirror = await serveMirror(dir);
		host = await PracticeHost.create({ release: '15.0-pkgbase', mirror: mirror.url });
		await host.powerOn();
	});
	afterAll(async () => {
		await host.destroy();
		await mirror.stop();
		rmSync(dir, { recursive: true, force: true });
	});
	const said = async (script: string): Promise<string> => (await host.inside(script)).output;

	test('tells of what its base is, and from where it comes', async () => {
		expect(await said('pkg which /usr/bin/uname; pkg which /etc/rc.conf; echo $?')).toBe(
			'/usr/bin/uname was installed by package FreeBSD-runtime-15.0\n/etc/rc.conf was not found in the database\n1\n',
		);
		expect(await said('pkg -vv')).toMatch(
			/FreeBSD-base: \{ \n {4}url +: "http:\S+\/FreeBSD:15:amd64\/base_release_0",\n {4}enabled +: yes,/,
		);
		expect(await said(`pkg ${NEXT} -vv`)).toContain('kmods_quarterly_1');
	});

	test('never crosses to the next release by itself, and ends a dry run with 1 where there is something to do', async () => {
		expect(await said('pkg upgrade -y -r FreeBSD-base; echo $?')).toMatch(/Your packages are up to date\.\n0\n$/);
		expect(await said(`pkg ${NEXT} upgrade -n -r FreeBSD-base; echo $?`)).toMatch(/FreeBSD-ssh: 15\.0 -> 15\.1[\s\S]*\n1\n$/);
	});

	test('turns down packages of a newer release than its own, unless it is told to ignore that', async () => {
		const repo = 'mkdir -p /tmp/r; echo "FreeBSD-base: { url: \\"$(pkg -vv | grep -o "http.*base_release_")1\\" }" >/tmp/r/r.conf';
		const dirs = '-o REPOS_DIR=/etc/pkg,/usr/local/etc/pkg/repos,/tmp/r';
		expect(await said(`${repo}; pkg ${dirs} update -r FreeBSD-base; echo $?`)).toMatch(/set IGNORE_OSVERSION=yes[\s\S]*\n1\n$/);
		expect(await said(`pkg ${dirs} -o IGNORE_OSVERSION=yes update -r FreeBSD-base; echo $?`)).toMatch(/packages processed\.\n0\n$/);
	});

	test('has no pam after the way to 15.1 where nothing but single packages was installed', async () => {
		await host.inside('bectl create single && bectl mount single /mnt && rm /mnt/var/db/pkg/local/FreeBSD-set-minimal');
		const { output } = await host.inside(
			`chroot /mnt pkg-static ${NEXT} upgrade -y -r FreeBSD-base >/dev/null 2>&1; echo $?; ls /mnt/usr/lib/pam_unix.so`,
		);
		expect(output).toMatch(/^0\n.*No such file/);
		expect(await said('ls /usr/lib/pam_unix.so; pkg query "%n-%v" | grep ssh; bectl umount single && bectl destroy -F single')).toBe(
			'/usr/lib/pam_unix.so\nFreeBSD-ssh-15.0\n',
		);
	});
});
