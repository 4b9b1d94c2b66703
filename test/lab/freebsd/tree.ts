import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../root.ts';
import { type LabFile, noise, program } from '../tree.ts';
import type { FreebsdRelease } from './releases.ts';

const BIN = 'cat chmod cp csh date dd df echo expr hostname kill ln ls mkdir mv ps pwd rm rmdir sh sleep stty sync test chflags'.split(' ');
const SBIN = 'dmesg geli glabel gpart init kldstat mount nextboot reboot shutdown sha256 sysctl umount zfs zpool'.split(' ');
const USR_BIN =
	'awk basename cksum cmp comm cut diff diff3 dirname du env false fetch find grep gunzip head id ldd logger make mkfifo mktemp nohup pgrep printf readlink script sed sort split ssh-keygen stat tail tar tee touch tr true uname uniq wc which xargs xz'.split(
		' ',
	);
const USR_SBIN = 'chroot diskinfo etcupdate freebsd-update jls kldxref pkg pkg-static pwd_mkdb service sshd'.split(' ');
/** Programs of one file, which is static. */
const RESCUE = 'cat chflags cp fsck init ls mkdir mount mv reboot rm sh sync sysctl tar'.split(' ');
/** Bytes of base that do not compress, so that unpacking takes time. */
const BULK = 100_000;

/** What has the flag schg in an installed system (F:B.2). */
export const SCHG = readFileSync(join(ROOT, 'test/lab/freebsd/stand-ins/schg'), 'utf8').trimEnd().split('\n');

/** Text that is whole only if its last line is the hash of what stands before. */
function sealed(body: string): string {
	return `${body}END ${createHash('sha256').update(body).digest('hex')}\n`;
}

/** The kernel's file. */
export function kernelFile({ level, kernel }: FreebsdRelease): string {
	return sealed(`LABKERNEL ${level} GENERIC\nversion FreeBSD ${kernel} releng-n259162 GENERIC\n${noise(`kernel${level}`, 200_000)}\n`);
}

/** The file of a certificate that came with the release. */
export function caOf({ level }: FreebsdRelease): string {
	return `Practice_CA_${level}.pem`;
}

/** loader.efi. */
export function loaderFile({ level }: FreebsdRelease): string {
	return sealed(`LABLOADER ${level} FreeBSD/amd64 EFI loader\n${noise(`loader${level}`, 20_000)}\n`);
}

/** The sets of a release: files by set name (F:B.1). */
export function freebsdSets(release: FreebsdRelease): Record<string, LabFile[]> {
	const { level, name, libsysFirst = false } = release;
	const file = (path: string, text: string, mode = 0o644): LabFile => ({ path, text, mode });
	const programs = (dir: string, names: readonly string[], kind: 'base' | 'static' = 'base'): LabFile[] =>
		names.map((one) => {
			const text = program(kind, one, level);
			const own = {
				'freebsd-version': `USERLAND_VERSION="${name}"`,
				'freebsd-update': `config_CreateBootEnv () {}\norder=${libsysFirst ? 'libsys libc libthr' : 'by name'}`,
			}[one];
			return file(`${dir}/${one}`, own === undefined ? text : text.replace('# end', `${own}\n# end`), 0o755);
		});
	/** What came with a release. */
	const since = (first: number, ...names: string[]): string[] => (level >= first ? names : []);
	const etc = etcFiles(release);
	const old =
		release.oldFiles.length === 0 ? [file('usr/sbin/gssd-old', 'gone in 15\n', 0o755), file('usr/lib/libold.so.1', 'gone in 15\n')] : [];
	return {
		kernel: [file('boot/kernel/kernel', kernelFile(release), 0o555), file('boot/kernel/zfs.ko', `module of ${level}\n`, 0o555)],
		base: [
			...etc,
			file('.cshrc', `# .cshrc of ${level}\n`),
			file('.profile', `# .profile of ${level}\n`),
			file('root/.cshrc', `# root's .cshrc of ${level}\n`),
			file('boot/device.hints', `# hints of ${level}\n`),
			file('boot/loader.conf', ''),
			file('boot/loader.efi', loaderFile(release), 0o555),
			file('boot/loader', loaderFile(release), 0o555),
			file('boot/pmbr', `pmbr of ${level}\n`, 0o444),
			file('boot/gptboot', `gptboot of ${level}\n`, 0o444),
			file('boot/gptzfsboot', `gptzfsboot of ${level}\n`, 0o444),
			file('lib/libc.so.7', `libc of ${level}\n${noise(`libc${level}`, 200_000)}\n`, 0o444),
			file('lib/libm.so.5', noise(`libm${level}`, 100_000), 0o444),
			...(level >= 1500 ? [file('lib/libsys.so.7', `libsys of ${level}\n`, 0o444)] : []),
			file('lib/libthr.so.3', `libthr of ${level}\n`, 0o444),
			file('libexec/ld-elf.so.1', `ld-elf of ${level}\n`, 0o555),
			file('usr/bin/passwd', `passwd of ${level}\n`, 0o4555),
			file('usr/bin/su', `su of ${level}\n`, 0o4555),
			file('usr/lib/libc.level', `${level}\n`),
			...programs('bin', [...BIN, ...since(1000, 'freebsd-version')]),
			...programs('sbin', [...SBIN, ...since(1202, 'bectl')]),
			...programs('rescue', RESCUE, 'static'),
			...programs('usr/bin', USR_BIN),
			...programs('usr/sbin', [...USR_SBIN, ...since(1202, 'certctl'), ...(level < 1400 ? ['mergemaster'] : [])]),
			// What a pattern that is not anchored would leave out (F5).
			file('usr/share/examples/etc/make.conf', `# examples of ${level}\n`),
			file('usr/share/skel/.profile', `# skeleton of ${level}\n`),
			file(`usr/share/certs/trusted/${caOf(release)}`, `certificate of ${level}\n`),
			file('usr/share/misc/bulk', noise(`bulk${level}`, BULK)),
			...old,
			// Programs before the libraries they need, as a set has them.
		].sort((a, b) => (a.path < b.path ? -1 : 1)),
		lib32: [file('usr/lib32/libc.so.7', `32-bit libc of ${level}\n`, 0o444)],
		src: [
			file('usr/src/Makefile', `# of ${level}\n`),
			file(
				'usr/src/ObsoleteFiles.inc',
				[...release.oldFiles.map((path) => `OLD_FILES+=${path}\n`), ...release.oldLibs.map((path) => `OLD_LIBS+=${path}\n`)].join(''),
			),
			...etc.map(({ path, text, mode }) => file(`usr/src/etcfiles/${path}`, text, mode)),
		],
	};
}

/** What is shipped in /etc, and etcupdate merges. */
export function etcFiles({ level }: Pick<FreebsdRelease, 'level'>): LabFile[] {
	const file = (path: string, text: string, mode = 0o644): LabFile => ({ path, text, mode });
	// Its shell changed with 14.0, in the practice system with 15.
	const root = `root:*:0:0::0:0:Charlie &:/root:/bin/${level >= 1500 ? 'sh' : 'csh'}`;
	const users = [root, 'sshd:*:22:22::0:0:Secure Shell Daemon:/var/empty:/usr/sbin/nologin'];
	const first = level >= 1000 ? ['unbound:*:59:59::0:0:Unbound DNS Resolver:/var/unbound:/usr/sbin/nologin'] : [];
	const added = level >= 1500 ? ['_newd:*:999:999::0:0:New in 15:/var/empty:/usr/sbin/nologin'] : [];
	return [
		file('etc/rc', readFileSync(join(ROOT, 'test/lab/freebsd/rc.sh'), 'utf8')),
		file('etc/services', `# ${level < 1400 ? `$FreeBSD: services of ${level} $` : `services of ${level}`}\nssh 22/tcp\n`),
		...(level >= 1000 ? [file('etc/pkg/FreeBSD.conf', 'FreeBSD: { enabled: yes }\n')] : []),
		file('etc/master.passwd', `# users of base\n${[...users, ...first, ...added].join('\n')}\n# end of them\n`, 0o600),
		file('etc/ssh/sshd_config', freebsdSshdConfig(level)),
		file('etc/freebsd-update.conf', updateConf(level)),
		file('etc/motd.template', `# motd of ${level}\n`),
		file('etc/mail/aliases', `# aliases of ${level}\nroot: me\n`),
	];
}

/** The shipped freebsd-update.conf; a practice host's own names another server. */
export function updateConf(level: number, server = 'update.FreeBSD.org'): string {
	const lines = [
		`# freebsd-update.conf of ${level}`,
		'KeyPrint 800651ef4b4c71c27e60786d7b487188970f4b4169cc055784e21eb71d410cc5',
		'Components src world kernel',
		'IgnorePaths',
		'UpdateIfUnmodified /etc/ /var/ /root/ /.cshrc /.profile',
		'MergeChanges /etc/ /boot/device.hints',
		`ServerName ${server}`,
	];
	return lines.map((line) => `${line}\n`).join('');
}

/** The shipped sshd_config; a host's own has one more line, so that it is merged. */
export function freebsdSshdConfig(level: number): string {
	return `# sshd_config of ${level}\nPermitRootLogin yes\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nSubsystem sftp internal-sftp\nSetEnv PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin\n# ends here\n`;
}
