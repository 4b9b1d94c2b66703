import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstallOptions } from '../install.ts';
import { type LabFile, program } from '../tree.ts';
import { writeFiles } from '../write-tree.ts';
import { FREEBSD_RELEASES, type FreebsdRelease, type FreebsdReleaseName } from './releases.ts';
import { etcFiles, freebsdSets, freebsdSshdConfig, loaderFile, SCHG, updateConf } from './tree.ts';

/** The boot environment that an installer makes. */
export const FIRST_BE = 'default';

/** Where the tree of an environment lies below the top of the disk. */
export const treeOf = (be: string): string => `be/${be}`;

/** Lays an installed system on ZFS below `top`, the pool of boot.sh, as bsdinstall and an admin left it. Returns its tree. */
export function installFreebsd(top: string, name: FreebsdReleaseName, options: InstallOptions): string {
	const release: FreebsdRelease = FREEBSD_RELEASES[name];
	const root = join(top, treeOf(FIRST_BE));
	for (const dir of ['share/home', 'share/tmp', 'share/var/log', 'share/var/tmp', 'label', 'schg', 'esp/efi/freebsd', 'esp/efi/boot'])
		mkdirSync(join(top, dir), { recursive: true });
	layTree(root, release, options);
	layMergeRecord(root, release);
	writeFiles(root, [
		file('etc/fstab', '/dev/gpt/efiboot0 /boot/efi msdosfs rw 2 2\n'),
		file('boot/loader.conf', '# changed on this host\nzfs_load="YES"\n'),
	]);
	writeFiles(top, [
		file('share/home/admin/notes', 'what only this machine holds\n'),
		file('esp/efi/freebsd/loader.efi', loaderFile(release)),
		file('esp/efi/boot/bootx64.efi', loaderFile(release)),
		file('label/bootfs', `${FIRST_BE}\n`),
	]);
	writeFileSync(join(top, 'schg', FIRST_BE), SCHG.map((path) => `${path}\n`).join(''));
	return root;
}

/** Lays an installed system on UFS below `root`, the disk of boot-ufs.sh. One of the time of mergemaster has its record, and none of etcupdate. */
export function installOnUfs(root: string, name: FreebsdReleaseName, options: InstallOptions): string {
	const release: FreebsdRelease = FREEBSD_RELEASES[name];
	layTree(root, release, options);
	if (release.level >= 1400) layMergeRecord(root, release);
	else writeFiles(root, [file('var/db/mergemaster.mtree', mtreeOf(etcFiles(release)))]);
	writeFiles(root, [
		file('etc/fstab', '/dev/gpt/rootfs / ufs rw 1 1\n'),
		file('boot/loader.conf', '# changed on this host\n'),
		file('home/admin/notes', 'what only this machine holds\n'),
	]);
	return root;
}

const file = (path: string, text: string, mode = 0o644): LabFile => ({ path, text, mode });

/** The line of a user as passwd(1) leaves it: root has a password, as an installer asks for. */
const withPassword = (line: string): string => line.replace(/^root:\*:/, 'root:$6$practice:');

/** What etcupdate knows of what the installed release shipped. */
function layMergeRecord(root: string, release: FreebsdRelease): void {
	writeFiles(
		root,
		etcFiles(release).map(({ path, text, mode }) => file(`var/db/etcupdate/current/${path}`, text, mode)),
	);
}

/** What mergemaster knows of them. */
function mtreeOf(files: readonly LabFile[]): string {
	const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
	return files.map(({ path, text }) => `./${path} size=${text.length} md5digest=${md5(text)}\n`).join('');
}

/** The base, and what an admin made of it. */
function layTree(root: string, release: FreebsdRelease, options: InstallOptions): void {
	for (const dir of 'home tmp var/log var/tmp var/run var/empty var/db root/.ssh usr/local/bin usr/local/etc mnt lab lib64 proc dev/pts run/sshd boot/efi etc/rc.d'.split(
		' ',
	))
		mkdirSync(join(root, dir), { recursive: true });
	const { src: _src, ...sets } = freebsdSets(release);
	for (const files of Object.values(sets)) writeFiles(root, files);
	const [head = '', ...users] =
		etcFiles(release)
			.find(({ path }) => path === 'etc/master.passwd')
			?.text.split('\n') ?? [];
	const admin = 'admin:*:1001:1001::0:0:Admin:/home/admin:/bin/sh';
	const accounts = [head, ...users.slice(0, -1).map(withPassword), admin, ''].join('\n');
	writeFiles(root, [
		file('etc/rc.conf', `hostname="${options.name}"\nsshd_enable="YES"\nifconfig_vtnet0="inet 192.0.2.7/24"\n`),
		file(
			'etc/passwd',
			'root:*:0:0:Charlie &:/root:/bin/sh\nsshd:*:22:22:sshd:/var/empty:/usr/sbin/nologin\nadmin:*:1001:1001:Admin:/home/admin:/bin/sh\n',
		),
		file('etc/group', 'wheel:*:0:root\nsshd:*:22:\nadmin:*:1001:\n'),
		file('etc/shadow', 'root:*:1::::::\nsshd:*:1::::::\nadmin:*:1::::::\n', 0o600),
		...['master.passwd', 'spwd.db'].map((name) => file(`etc/${name}`, accounts, 0o600)),
		file('etc/pwd.db', accounts),
		file('etc/ssh/sshd_config', `${freebsdSshdConfig(release.level)}# changed on this host\nMaxSessions 30\n`),
		file('etc/freebsd-update.conf', updateConf(release.level, `${options.mirror.replace('http://', '')}/update`)),
		file('etc/motd.template', 'welcome to this host\n'),
		file('.cshrc', '# changed on this host\n'),
		file('root/.ssh/authorized_keys', options.authorizedKey, 0o600),
		file('usr/local/bin/gtar', program('base', 'gtar', release.level), 0o755),
		file('var/db/pkg/gtar', '1.35\n'),
	]);
}
