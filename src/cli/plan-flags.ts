import { basename, resolve } from 'node:path';
import { Flags } from '@oclif/core';
import type { PlanOptions } from '../plan/options.ts';
import { type BackupFlags, backupFlags, backupOptions, each, plainPath, usage } from './backup-flags.ts';

/** Flags that decide what a plan holds. */
export const planFlags = {
	to: Flags.string({
		description: 'where to go: snapshot, or a release X.Y (X.Y-RELEASE); one several releases ahead is reached hop by hop',
		helpValue: 'TARGET',
	}),
	mirror: Flags.string({
		description: 'top of a mirror (http, https, ftp, file or a directory); again for more, the best first',
		...each,
		helpValue: 'URL',
	}),
	'fetch-on': Flags.option({
		options: ['controller', 'host'] as const,
		description: 'who fetches the sets: this machine, which pushes them, or the host',
		default: 'controller' as const,
	})(),
	manifest: Flags.string({ description: 'a manifest of your own', helpValue: 'FILE' }),
	method: Flags.string({
		description: 'upgrade method, as bsdup manifest show lists them; default: the preferred one that nothing speaks against',
		exclusive: ['manifest'],
	}),
	'trusted-list': Flags.string({
		description: 'a copy of the list of hashes from a source you trust, where the list is not signed',
		helpValue: 'FILE',
	}),
	sets: Flags.string({ description: 'directory for the sets on the host', helpValue: 'DIR' }),
	...backupFlags,
	'no-backup': Flags.boolean({ default: false, description: 'make no backup' }),
	'no-packages': Flags.boolean({ default: false, description: 'leave the packages alone' }),
	'stop-forwarding': Flags.boolean({ default: false, description: 'turn IP forwarding off before the kernel is replaced' }),
	site: Flags.string({
		description: 'a site set of your own on this machine, unpacked after the first reboot, before sysmerge',
		...each,
		helpValue: 'FILE',
	}),
	'site-sha256': Flags.string({ description: 'its SHA256, in the order of --site', ...each, helpValue: 'HEX' }),
	'allow-older': Flags.boolean({
		default: false,
		description: 'take a build older than the installed one, or a release past its end of life',
	}),
	again: Flags.boolean({ default: false, description: 'lay the very build anew that is installed' }),
	health: Flags.string({
		description: 'sh that must exit 0 on the new system before it is taken for good; again for more',
		...each,
		helpValue: 'COMMAND',
	}),
	watchdog: Flags.integer({
		description: 'minutes until a hung shutdown after base is cut short, or a new boot environment that nobody proves goes back',
		default: 15,
		min: 1,
	}),
	unattended: Flags.boolean({ default: false, description: 'nobody answers: merge in batch mode' }),
};

/** What oclif parsed of `planFlags`. */
export interface PlanFlags extends BackupFlags {
	sets?: string | undefined;
	'no-backup': boolean;
	'no-packages': boolean;
	'stop-forwarding': boolean;
	'fetch-on': 'controller' | 'host';
	site?: string[] | undefined;
	'site-sha256'?: string[] | undefined;
	'allow-older'?: boolean;
	again?: boolean;
	health?: string[] | undefined;
	watchdog: number;
	unattended: boolean;
	/** The id of a run that begins anew with another plan; left out = a new one. */
	run?: string;
}

/** Beside a plan that is given these still say something: where a login for a mirror is, and that nobody answers. */
const BESIDE_PLAN = ['mirror', 'unattended'];

/** Throws E_USAGE for a flag that a plan has settled already, and which would change nothing of it. */
export function requirePlanAlone(flags: object, isDefault: (name: string) => boolean): void {
	const given = Object.keys(planFlags).find((name) => name in flags && !isDefault(name) && !BESIDE_PLAN.includes(name));
	if (given === undefined) return;
	const next = [`leave out --${given}`, `bsdup plan HOST --to TARGET --${given} … --format json --out FILE   (a plan with it)`];
	throw usage(`--plan holds all that is done, so --${given} would change nothing`, next);
}

/** Turns flags into the planner's options. Throws E_USAGE for bad values. `now`: for the run's name. */
export function planOptions(flags: PlanFlags, host: string, now: Date): PlanOptions {
	const whereto = (['backup-to', 'backup-device', 'backup-here'] as const).find((name) => flags[name] !== undefined);
	if (flags['no-backup'] && whereto !== undefined)
		throw usage(`--no-backup and --${whereto} contradict each other`, [`leave out --no-backup, or --${whereto}`]);
	const backup = flags['no-backup'] ? null : backupOptions(flags);
	if (flags.sets !== undefined) plainPath(flags.sets);
	const { site: paths = [], 'site-sha256': hashes = [] } = flags;
	if (paths.length !== hashes.length) throw usage('every --site needs its --site-sha256', ['--site site78.tgz --site-sha256 HEX']);
	const site = paths.map((path, index) => ({
		...{ file: basename(path), path: resolve(path) },
		sha256: (hashes[index] ?? '').toLowerCase(),
	}));
	const bad = site.find(({ file, sha256 }) => !/^[A-Za-z0-9._-]+\.tgz$/.test(file) || !/^[0-9a-f]{64}$/.test(sha256));
	if (bad !== undefined) throw usage(`${JSON.stringify(bad.path)} is no site set with a SHA256`, ['--site site78.tgz --site-sha256 HEX']);
	return {
		run: flags.run ?? runName(host, now),
		unattended: flags.unattended,
		backup,
		packages: !flags['no-packages'],
		stopForwarding: flags['stop-forwarding'],
		sets: flags.sets ?? null,
		site,
		fetchOn: flags['fetch-on'],
		...(flags['allow-older'] === true ? { older: true } : {}),
		...(flags.again === true ? { again: true } : {}),
		...(flags.health === undefined ? {} : { health: flags.health }),
		watchdogMinutes: flags.watchdog,
	};
}

/** `run-20261123220737-host1`: the id of a run, by the host and the moment. */
export function runName(host: string, now: Date): string {
	const stamp = now.toISOString().replace(/\D/g, '').slice(0, 14);
	const name = host.split('.')[0] ?? '';
	return `run-${stamp}-${name.toLowerCase().replace(/[^a-z0-9-]/g, '-')}`;
}
