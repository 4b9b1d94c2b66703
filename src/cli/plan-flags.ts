import { basename, resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { BsdupError, EXIT } from '../errors.ts';
import type { PlanOptions } from '../plan/options.ts';

/** Flags that decide what a plan holds. */
export const planFlags = {
	to: Flags.string({ description: 'where to go: snapshot, or a release X.Y', helpValue: 'TARGET' }),
	mirror: Flags.string({ description: 'top of the mirror (http, https, ftp, file or a directory)', helpValue: 'URL' }),
	manifest: Flags.string({ description: 'a manifest of your own', helpValue: 'FILE' }),
	method: Flags.string({ description: 'upgrade method', default: 'in-place' }),
	sets: Flags.string({ description: 'directory for the sets on the host', helpValue: 'DIR' }),
	backup: Flags.string({ description: 'path to back up', multiple: true, default: ['/etc', '/root', '/home', '/var'], helpValue: 'PATH' }),
	'backup-to': Flags.string({ description: 'directory on the host for the volumes, e.g. a mounted disk', helpValue: 'DIR' }),
	'volume-size': Flags.string({ description: 'size of a volume; FAT32 holds up to 4194300K', default: '4000M', helpValue: 'SIZE' }),
	'no-backup': Flags.boolean({ default: false, description: 'make no backup' }),
	'no-packages': Flags.boolean({ default: false, description: 'leave the packages alone' }),
	'stop-forwarding': Flags.boolean({ default: false, description: 'turn IP forwarding off before the kernel is replaced' }),
	site: Flags.string({
		description: 'a site set of your own on this machine, unpacked after the first reboot, before sysmerge',
		multiple: true,
		helpValue: 'FILE',
	}),
	'site-sha256': Flags.string({ description: 'its SHA256, in the order of --site', multiple: true, helpValue: 'HEX' }),
	'allow-older': Flags.boolean({ default: false, description: 'take a build older than the installed one' }),
	watchdog: Flags.integer({ description: 'minutes after base until a hung shutdown is cut short', default: 15, min: 1 }),
	unattended: Flags.boolean({ default: false, description: 'nobody answers: merge in batch mode' }),
};

/** What oclif parsed of `planFlags`. */
export interface PlanFlags {
	sets?: string | undefined;
	backup: string[];
	'backup-to'?: string | undefined;
	'volume-size': string;
	'no-backup': boolean;
	'no-packages': boolean;
	'stop-forwarding': boolean;
	site?: string[] | undefined;
	'site-sha256'?: string[] | undefined;
	'allow-older'?: boolean;
	watchdog: number;
	unattended: boolean;
}

const PLAIN_PATH = /^\/[A-Za-z0-9._/+-]*$/;
/** The largest -L (KiB) whose volumes, rounded up to whole records, fit FAT32 (F:C). */
const FAT32_KIB = 4_194_300;

/** Turns flags into the planner's options. Throws E_USAGE for bad values. `now`: for the run's name. */
export function planOptions(flags: PlanFlags, host: string, now: Date): PlanOptions {
	if (!flags['no-backup'] && flags['backup-to'] === undefined) {
		throw usage('where shall the backup go?', [
			'--backup-to DIR   (a directory on the host, e.g. of a mounted disk)',
			'--no-backup   (only if you have one already)',
		]);
	}
	for (const path of [flags.sets, flags['backup-to']]) {
		if (path !== undefined && (!PLAIN_PATH.test(path) || path.split('/').includes('..')))
			throw usage(`${JSON.stringify(path)} is no plain absolute path`, ['use letters, digits, dots, dashes and slashes']);
	}
	const newline = flags.backup.find((path) => !path.startsWith('/') || path.includes('\n'));
	if (newline !== undefined) throw usage(`${JSON.stringify(newline)} is no absolute path`, ['--backup /home']);
	const { site: paths = [], 'site-sha256': hashes = [] } = flags;
	if (paths.length !== hashes.length) throw usage('every --site needs its --site-sha256', ['--site site78.tgz --site-sha256 HEX']);
	const site = paths.map((path, index) => ({
		...{ file: basename(path), path: resolve(path) },
		sha256: (hashes[index] ?? '').toLowerCase(),
	}));
	const bad = site.find(({ file, sha256 }) => !/^[A-Za-z0-9._-]+\.tgz$/.test(file) || !/^[0-9a-f]{64}$/.test(sha256));
	if (bad !== undefined) throw usage(`${JSON.stringify(bad.path)} is no site set with a SHA256`, ['--site site78.tgz --site-sha256 HEX']);
	const stamp = now.toISOString().replace(/\D/g, '').slice(0, 14);
	return {
		run: `run-${stamp}-${
			host
				.split('.')[0]
				?.toLowerCase()
				.replace(/[^a-z0-9-]/g, '-') ?? ''
		}`,
		unattended: flags.unattended,
		backup:
			flags['no-backup'] || flags['backup-to'] === undefined
				? null
				: { paths: flags.backup, dir: flags['backup-to'], volumeKiB: volumeKiB(flags['volume-size']) },
		packages: !flags['no-packages'],
		stopForwarding: flags['stop-forwarding'],
		sets: flags.sets ?? null,
		site,
		...(flags['allow-older'] === true ? { older: true } : {}),
		watchdogMinutes: flags.watchdog,
	};
}

function volumeKiB(size: string): number {
	const [, digits, unit] = /^(\d+)([KMG])$/.exec(size) ?? [];
	const kib = Number(digits) * ({ K: 1, M: 1024, G: 1024 * 1024 }[unit ?? ''] ?? Number.NaN);
	if (!(kib >= 100)) throw usage(`${JSON.stringify(size)} is no volume size`, ['--volume-size 4000M']);
	if (kib > FAT32_KIB) throw usage(`volumes of ${size} do not fit FAT32`, [`--volume-size ${FAT32_KIB}K is the largest that does (F:C)`]);
	return kib;
}

function usage(message: string, next: string[]): BsdupError {
	return new BsdupError({ code: 'E_USAGE', message, next, exit: EXIT.usage });
}
