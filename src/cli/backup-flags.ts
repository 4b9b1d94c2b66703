import { posix, resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { BsdupError, EXIT } from '../errors.ts';
import type { BackupOptions } from '../plan/options.ts';

/** A flag that may be given again, with one value each time: else it would take the host that stands behind it for another value. */
export const each = { multiple: true, multipleNonGreedy: true } as const;

/** Flags that say what is backed up, and where to. */
export const backupFlags = {
	backup: Flags.string({ description: 'path to back up', ...each, default: ['/etc', '/root', '/home', '/var'], helpValue: 'PATH' }),
	exclude: Flags.string({
		description: 'leave this out of the backup: a path from / or a name anywhere; *, ? and [a-z] do not match a slash',
		...each,
		helpValue: 'PATTERN',
	}),
	'backup-to': Flags.string({
		description: 'directory on the host for the volumes, e.g. of a mounted disk',
		helpValue: 'DIR',
	}),
	'backup-device': Flags.string({
		description:
			'FAT disk of the host, mounted on --backup-to (default /mnt) meanwhile; with the letter of its partition if it has several',
		helpValue: 'DISK',
	}),
	// Told here alone: the help writes a flag that two others exclude with one of them only.
	'backup-here': Flags.string({
		description: 'directory of this machine: the backup is streamed to it, in pieces',
		helpValue: 'DIR',
		exclusive: ['backup-to', 'backup-device'],
	}),
	'backup-format': Flags.option({
		options: ['gnu', 'split'] as const,
		description: 'volumes of GNU tar, or pieces that cat joins for base tar (the default without GNU tar on the host)',
	})(),
	'volume-size': Flags.string({ description: 'size of a volume; FAT32 holds up to 4194300K', default: '4000M', helpValue: 'SIZE' }),
};

/** What oclif parsed of `backupFlags`. */
export interface BackupFlags {
	backup: string[];
	exclude?: string[] | undefined;
	'backup-to'?: string | undefined;
	'backup-device'?: string | undefined;
	'backup-here'?: string | undefined;
	'backup-format'?: 'gnu' | 'split' | undefined;
	'volume-size': string;
}

const PLAIN_PATH = /^\/[A-Za-z0-9._/+-]*$/;
/** The largest -L (KiB) whose volumes, rounded up to whole records, fit FAT32 (F:C). */
const FAT32_KIB = 4_194_300;
/** A disk, alone or with a partition: by its letter, or by the kind of its table and its number. */
const DEVICE = /^[a-z]+[0-9]+([a-p]|[ps][0-9]+)?$/;
/** Where a disk is mounted when nothing is said. */
const MOUNT_POINT = '/mnt';

/** Turns the flags into the planner's options. Throws E_USAGE for bad values, and where no destination is named. */
export function backupOptions(flags: BackupFlags): BackupOptions {
	const device = flags['backup-device']?.replace(/^\/dev\//, '');
	const here = flags['backup-here'];
	const given = flags['backup-to'] ?? (device === undefined ? undefined : MOUNT_POINT);
	if (given !== undefined) plainPath(given);
	// As mount(8) tells it, without the slash that a shell leaves at the end.
	const dir = given === undefined ? undefined : posix.normalize(given).replace(/(.)\/$/, '$1');
	if (dir === undefined && here === undefined) {
		throw usage('where shall the backup go?', [
			'--backup-to DIR   (a directory on the host, e.g. of a mounted disk)',
			'--backup-device sd1   (a FAT disk of the host, mounted meanwhile)',
			'--backup-here DIR   (this machine)',
			'--no-backup   (an upgrade, and only if you have one already)',
		]);
	}
	if (device !== undefined && !DEVICE.test(device)) throw usage(`${JSON.stringify(device)} is no disk`, ['--backup-device sd1']);
	const bad = flags.backup.find((path) => !path.startsWith('/') || path.includes('\n'));
	if (bad !== undefined) throw usage(`${JSON.stringify(bad)} is no absolute path`, ['--backup /home']);
	const pattern = flags.exclude?.find((one) => one === '' || one.includes('\n'));
	if (pattern !== undefined) throw usage(`${JSON.stringify(pattern)} is no pattern`, ["--exclude '*.core'"]);
	if (here !== undefined && flags['backup-format'] === 'gnu')
		throw usage('a backup to this machine is streamed, in pieces that cat joins', ['--backup-here without --backup-format gnu']);
	return {
		paths: flags.backup,
		excludes: flags.exclude ?? [],
		dir: dir ?? '',
		volumeKiB: volumeKiB(flags['volume-size']),
		format: flags['backup-format'],
		device,
		here: here === undefined ? undefined : resolve(here),
	};
}

/** Throws E_USAGE unless it is an absolute path of plain characters. */
export function plainPath(path: string): void {
	if (!PLAIN_PATH.test(path) || path.split('/').includes('..'))
		throw usage(`${JSON.stringify(path)} is no plain absolute path`, ['use letters, digits, dots, dashes and slashes']);
}

function volumeKiB(size: string): number {
	const [, digits, unit] = /^(\d+)([KMG])$/.exec(size) ?? [];
	const kib = Number(digits) * ({ K: 1, M: 1024, G: 1024 * 1024 }[unit ?? ''] ?? Number.NaN);
	if (!(kib >= 100)) throw usage(`${JSON.stringify(size)} is no volume size`, ['--volume-size 4000M']);
	if (kib > FAT32_KIB) throw usage(`volumes of ${size} do not fit FAT32`, [`--volume-size ${FAT32_KIB}K   (the largest that does)`]);
	return kib;
}

/** An error of the command line. */
export function usage(message: string, next: string[]): BsdupError {
	return new BsdupError({ code: 'E_USAGE', message, next, exit: EXIT.usage });
}
