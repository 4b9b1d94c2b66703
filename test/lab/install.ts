import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeSet } from './mirror.ts';
import { RELEASES, type Release, type ReleaseName } from './releases.ts';
import { kernelText, packagesOf, setsOf, sshdConfig } from './tree.ts';
import { writeFiles } from './write-tree.ts';

export interface InstallOptions {
	authorizedKey: string;
	name: string;
	mirror: string;
}

/** Lays an installed system of a release below `root`, as its installer and an admin left it. */
export function installSystem(root: string, name: ReleaseName, options: InstallOptions): void {
	const release: Release = RELEASES[name];
	const sets = setsOf(release);
	for (const files of Object.values(sets)) writeFiles(root, files);
	const kernel = kernelText(release, 'GENERIC.MP');
	const file = (path: string, text: string, mode = 0o644) => ({ path, text, mode });
	const level = release.level;
	for (const dir of [
		'tmp',
		'var/run',
		'var/log',
		'var/empty',
		'var/db',
		'root/.ssh',
		'home',
		'usr/local/bin',
		'mnt',
		'lab',
		'lib',
		'lib64',
		'proc',
		'dev/pts',
		'run/sshd',
		'var/sysmerge',
		'backup',
	])
		mkdirSync(join(root, dir), { recursive: true });
	writeFiles(root, [
		file('bsd', kernel, 0o700),
		file('bsd.sp', kernelText(release, 'GENERIC'), 0o700),
		file('bsd.rd', kernelText(release, 'RAMDISK'), 0o700),
		file('boot', `boot blocks of ${level}\n`),
		file(
			'etc/passwd',
			'root:*:0:0:Charlie &:/root:/bin/ksh\nsshd:*:27:27:sshd privsep:/var/empty:/sbin/nologin\nadmin:*:1000:1000:Admin:/home/admin:/bin/ksh\n',
		),
		file('etc/group', 'wheel:*:0:root\nsshd:*:27:\nadmin:*:1000:\n'),
		file('etc/shadow', 'root:*:1::::::\nsshd:*:1::::::\nadmin:*:1::::::\n', 0o600),
		file('etc/myname', `${options.name}\n`),
		file('etc/fstab', '/dev/sd0a / ffs rw 1 1\n'),
		file('etc/rc.conf.local', 'httpd_flags=\nntpd_flags=\n'),
		file('etc/ssh/sshd_config', `${sshdConfig(release)}# changed on this host\nMaxSessions 30\n`),
		file('root/.ssh/authorized_keys', options.authorizedKey, 0o600),
		file('home/admin/notes', 'what only this machine holds\n'),
		...packagesOf(release).flatMap(({ name, record, program: own }) => [
			file(`var/db/pkg/${name}/+CONTENTS`, record),
			...(own === undefined ? [] : [file(own.path, own.text, 0o755)]),
		]),
	]);
	const shipped = sets['etc'] ?? [];
	const sums = shipped.map(({ path, text }) => `${createHash('sha256').update(text).digest('hex')}  - /${path}`).join('\n');
	if (release.modern) {
		writeFileSync(join(root, 'etc/installurl'), `${options.mirror}\n`);
		writeFileSync(join(root, 'var/sysmerge/etcsum'), `${sums}\n`);
		writeFileSync(join(root, 'var/sysmerge/etc.tgz'), makeSet(shipped));
		writeFileSync(join(root, 'var/db/kernel.SHA256'), `SHA256 (/bsd) = ${createHash('sha256').update(kernel).digest('hex')}\n`);
		writeFileSync(join(root, 'var/db/installed.BUILDINFO'), `Build date: ${release.build} - practice\n`);
	} else writeFiles(root, [file('var/db/sysmerge/etcsum', `${sums}\n`)]);
}
