import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FREEBSD_RELEASES, type FreebsdRelease, type FreebsdReleaseName } from '../lab/freebsd/releases.ts';
import { caOf, freebsdSets } from '../lab/freebsd/tree.ts';
import type { World } from '../lab/world.ts';
import { readerOf, shippedDifferences } from './on-disk.ts';

/** What the sets bring and the host keeps its own of, or that is merged. */
const KEPT = /^(etc|root|var)\/|^\.(cshrc|profile)$|^boot\/(device\.hints|loader\.conf)$/;
/** What a run, a boot and the lab may write; the rest is the system's. */
const LEFT = 'var/db/bsdup var/run var/log var/tmp run tmp dev lab lib64 proc boot/nextboot.conf lost+found'
	.split(' ')
	.map((path) => `-path ./${path}`)
	.concat("-path './lib/*-linux-*'")
	.join(' -o ');

/** An unattended upgrade of the world's host by its sets. */
export function setsArgs(on: World, to: string, command = 'upgrade'): string[] {
	const words = ['--method', 'sets', '--to', to, '--mirror', on.mirror.url, '--no-backup', '--unattended'];
	return [command, on.host.ssh.spec, ...on.host.flags, ...words, ...(command === 'upgrade' ? ['--yes', '--patience', '3'] : [])];
}

/** Mode, owner, content and name of all that is the system's, and the flags. Turns the host off. */
export async function systemOn(on: World): Promise<string[]> {
	await on.host.powerOff();
	const flags = readFileSync(join(on.host.dir, 'lab/pool/schg/root'), 'utf8').trim().split('\n').sort();
	return on.host.withDisk((root) => {
		const find = `find . \\( ${LEFT} \\) -prune -o`;
		const look = `${find} ! -type d -printf '%p %M %U:%G %l\\n'; ${find} -type f -exec sha256sum {} +; ls boot`;
		return [...execFileSync('sh', ['-c', look], { cwd: root, encoding: 'utf8' }).split('\n').sort(), ...flags];
	});
}

/** Everything the host must be after the upgrade, as differences; empty = all of it holds. Turns the host off. */
export async function setsDifferences(on: World, from: FreebsdReleaseName, to: FreebsdReleaseName): Promise<string[]> {
	const target: FreebsdRelease = FREEBSD_RELEASES[to];
	const versions = (await on.host.inside('freebsd-version -kru')).output.trim().split('\n');
	const flagged = (await on.host.inside('cat /lab/pool/schg/root')).output.trim().split('\n').sort();
	const booted = (await on.host.inside('sysctl -n kern.bootfile')).output;
	await on.host.powerOff();
	const found = versions.every((one) => one === target.name) ? [] : [`it runs ${versions.join(' ')}`];
	const bootcode = readFileSync(join(on.host.dir, 'lab/bootcode'), 'utf8');
	on.host.withDisk((root) => {
		const text = readerOf(root);
		const must = (holds: boolean, otherwise: string): void => void (holds || found.push(otherwise));
		const { src: _src, ...sets } = freebsdSets(target);
		const replaced = Object.values(sets)
			.flat()
			.filter(({ path }) => !KEPT.test(path));
		found.push(...shippedDifferences(root, replaced, 'set'));
		must(booted === '/boot/kernel/kernel\n', `${booted} was booted`);
		must(text('boot/kernel.old/kernel').startsWith(`LABKERNEL ${FREEBSD_RELEASES[from].level} `), 'there is no kernel.old');
		must(
			execFileSync('ls', [join(root, 'boot')], { encoding: 'utf8' })
				.match(/kernel\S*/g)
				?.join(' ') === 'kernel kernel.old',
			'/boot holds more kernels',
		);
		for (const path of target.oldFiles) must(text(path) === 'not there', `${path} is left`);
		for (const path of target.oldLibs) must(text(path) !== 'not there', `${path} was removed, and packages may use it`);
		must(text('.cshrc') === '# changed on this host\n', '/.cshrc was replaced');
		must(text('boot/loader.conf') === '# changed on this host\n', 'loader.conf was replaced');
		must(text('boot/nextboot.conf') === 'not there', 'something is still to be booted once');
		must(text('etc/services').includes(`services of ${target.level}`), '/etc/services was not merged');
		const users = text('etc/master.passwd');
		must(/^root:\$6\$practice:.*:\/bin\/csh$/m.test(users) && /^admin:/m.test(users), 'master.passwd lost what was changed here');
		must(/^unbound:/m.test(users) && /^unbound:/m.test(text('etc/passwd')), 'users were not merged');
		for (const path of ['etc/passwd', 'etc/pwd.db', 'etc/group'])
			must((statSync(join(root, path)).mode & 0o777) === 0o644, `/${path} cannot be read by everybody`);
		must(text('etc/mail/aliases').startsWith(`# aliases of ${target.level}`), 'what nobody changed was not replaced');
		if (target.level < 1400) must(text('etc/mail/aliases.db') === text('etc/mail/aliases'), 'the database of aliases is old');
		must(text('etc/pkg/FreeBSD.conf') !== 'not there', 'what is new in /etc was not laid there');
		must(text('etc/ssh/sshd_config').includes('changed on this host'), 'sshd_config lost what was changed here');
		if (target.level >= 1202)
			must(text(`etc/ssl/certs/${caOf(target)}.0`).startsWith('certificate'), 'what the release trusts is not trusted');
		must(text('etc/motd.template') === 'welcome to this host\n', 'a conflict did not keep what this host had');
		must(text('usr/local/bin/gtar').includes(`# base gtar ${target.level}`), 'packages were not refreshed');
		must(
			flagged.join() === ['lib/libc.so.7', 'lib/libthr.so.3', 'libexec/ld-elf.so.1', 'sbin/init', 'usr/bin/passwd', 'usr/bin/su'].join(),
			`the flags are ${flagged.join(' ')}`,
		);
		must(bootcode === `pmbr of ${target.level}\ngptboot of ${target.level}\n`, `the boot blocks are ${bootcode}`);
		must(text('home/admin/notes') === 'what only this machine holds\n', '/home was touched');
		must(text('var/db/bsdup/lock') === 'not there', 'the host is still held');
		must(!execFileSync('ls', [join(root, 'root')], { encoding: 'utf8' }).includes('bsdup'), 'the saved programs are left');
	});
	return found;
}
