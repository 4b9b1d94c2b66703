import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publicKeyText } from './keys.ts';
import type { Release } from './releases.ts';
import { ROOT } from './root.ts';

/** A file of a practice system: path from the root without the slash. */
export interface LabFile {
	path: string;
	text: string;
	mode: number;
}

const BIN =
	'cat chmod cksum cp date dd df echo expr hostname kill ksh ln ls mkdir mv ps pwd rm rmdir sh sha256 sleep stty sync tar test'.split(' ');
const SBIN = 'bioctl disklabel dmesg halt init mount reboot sysctl umount'.split(' ');
const USR_BIN =
	'awk basename cmp comm cut diff dirname du env find ftp grep gzip head id install logger machine mktemp nohup pgrep pkill printf readlink sed sort split ssh-keygen stat tail tee touch tr true false uname uniq wc which whoami xargs tty'.split(
		' ',
	);
const USR_SBIN = 'chroot installboot pkg_add pkg_check pkg_info sshd sysmerge user'.split(' ');
const MODERN = { usrBin: ['signify', 'doas'], usrSbin: ['rcctl', 'fw_update', 'syspatch'] };
/** Whose scripts are in /etc/rc.d; in 4.9 base had none there yet, and rc(8) started cron itself. */
const SERVICES = ['cron', 'httpd', 'ntpd', 'smtpd', 'sshd'];
/** Bytes of base that do not compress, so that unpacking takes time. */
const BULK = 3_000_000;

/** A program: the gate reads its second line. */
export function program(kind: 'base' | 'package' | 'static', name: string, level: number): string {
	return `#!/lab/gate\n# ${kind} ${name} ${level}\n# ${'filler '.repeat(40)}\n# end\n`;
}

/** The packages of a release: the record of each, and the program it brings. */
export function packagesOf({ level, modern }: Release): { name: string; record: string; program?: { path: string; text: string } }[] {
	// No release of the era before runs this node.
	const brought = ['gtar', ...(modern ? ['node'] : [])].map((called) => {
		const path = `/usr/local/bin/${called}`;
		const name = `${called}-1.0`;
		return { name, record: `@name ${name}\n@level ${level}\n@bin ${path}\n`, program: { path, text: program('package', called, level) } };
	});
	return [{ name: 'quirks-1.0', record: `@name quirks-1.0\n@level ${level}\n` }, ...brought];
}

/** A kernel: whole only if its last line is the hash of what stands before. */
export function kernelText(release: Release, id: 'GENERIC.MP' | 'GENERIC' | 'RAMDISK'): string {
	const body = `LABKERNEL ${release.level} ${id}\nversion ${release.version.replace('GENERIC.MP', id)}\n${noise(`${id}${release.level}`, 200_000)}\n`;
	return `${body}END ${createHash('sha256').update(body).digest('hex')}\n`;
}

/** Text that looks random and is the same every time. */
export function noise(seed: string, bytes: number): string {
	const parts: string[] = [];
	let last = createHash('sha512').update(seed).digest();
	for (let length = 0; length < bytes; length += 86) {
		last = createHash('sha512').update(last).digest();
		parts.push(last.toString('base64'));
	}
	return parts.join('\n').slice(0, bytes);
}

/** The sets of a release: files by set name, libraries first in base (F:A.2). */
export function setsOf(release: Release): Record<string, LabFile[]> {
	const { level, modern } = release;
	const file = (path: string, text: string, mode = 0o644): LabFile => ({ path, text, mode });
	const programs = (dir: string, names: readonly string[]): LabFile[] =>
		names.map((name) => file(`${dir}/${name}`, program('base', name, level), 0o755));
	const shell = (name: string): string =>
		readFileSync(join(ROOT, 'test/lab/system', name), 'utf8')
			.replace(/@modern@(.*\n)/g, modern ? '$1' : '')
			.replace('@devices@', release.devices.join(' '));
	const next = String(Number(release.suffix) + 1);
	const keys = modern ? [release.suffix, next].map((number) => file(`etc/signify/openbsd-${number}-base.pub`, publicKeyText(number))) : [];
	const base = [
		file('usr/lib/libc.so.96.0', `libc of ${level}\n${noise(`libc${level}`, 300_000)}\n`),
		file('usr/lib/libc.level', `${level}\n`),
		...programs('bin', BIN),
		...programs('sbin', SBIN),
		...programs('usr/bin', [...USR_BIN, ...(modern ? MODERN.usrBin : [])]),
		...programs('usr/sbin', [...USR_SBIN, ...(modern ? MODERN.usrSbin : ['cron'])]),
		file('usr/mdec/boot', `boot blocks of ${level}\n`),
		file('usr/share/misc/bulk', noise(`bulk${level}`, BULK)),
		file('dev/MAKEDEV', `#!/bin/sh\n${shell('MAKEDEV.sh')}`, 0o555),
		...(modern
			? [
					file('usr/share/relink/kernel.tgz', `${release.version}\n`),
					file('usr/libexec/reorder_kernel', `#!/bin/sh\n${shell('reorder_kernel.sh')}`, 0o555),
					file('etc/rc', shell('rc.sh')),
					...SERVICES.map((name) =>
						file(`etc/rc.d/${name}`, `#!/bin/ksh\n\ndaemon="/usr/sbin/${name}"\n\n. /etc/rc.d/rc.subr\n\nrc_cmd $1\n`, 0o555),
					),
					...keys,
				]
			: []),
	];
	return {
		base,
		comp: [file('usr/include/stdio.h', `/* of ${level} */\n`), ...programs('usr/bin', ['cc'])],
		man: [file('usr/share/man/man1/ls.1', `.\\" of ${level}\n`)],
		game: programs('usr/games', ['fortune']),
		xbase: [file('usr/X11R6/lib/libX11.so.18.0', `libX11 of ${level}\n`)],
		xfont: [file('usr/X11R6/lib/X11/fonts/misc/6x13.pcf', `font of ${level}\n`)],
		xserv: programs('usr/X11R6/bin', ['X']),
		xshare: [file('usr/X11R6/include/X11/X.h', `/* of ${level} */\n`)],
		// What sysmerge offers. In 4.9 rc itself is among it; since 5.7 it comes with base (F:A.1).
		etc: [
			file('etc/services', `# services of ${level}\nssh 22/tcp\n`),
			file('etc/ssh/sshd_config', sshdConfig(release)),
			...(modern ? [] : [file('etc/rc', shell('rc.sh'))]),
		],
		xetc: [file('etc/X11/xinit/xinitrc', `# of ${level}\n`)],
	};
}

/** All that the sshd of the old systems speaks, newest first; lines of sshd_config, and with a `+` of ssh_config. */
export const OLD_ALGORITHMS = [
	'KexAlgorithms diffie-hellman-group14-sha1',
	'HostKeyAlgorithms ssh-rsa',
	'Ciphers aes128-cbc,3des-cbc',
	'MACs hmac-sha1',
];

/** The shipped sshd_config; a host's own has one more line, so that it counts as changed here. */
export function sshdConfig({ level, modern }: Pick<Release, 'level' | 'modern'>): string {
	const old = modern ? '' : OLD_ALGORITHMS.map((line) => `${line}\n`).join('');
	return `${old}# sshd_config of ${level}\nPermitRootLogin yes\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nSubsystem sftp internal-sftp\nSetEnv PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin\n`;
}
