import type { Facts } from '../facts/facts.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { Values } from './expand.ts';
import { mountsBelow, stageOf } from './mounts.ts';
import type { PlanOptions } from './options.ts';

/** The base directory of all runs on a host (FILES in the README). */
export const RUNS_ON_HOST = '/var/db/bsdup';

/** What facts and options alone tell for expanding sh text; what the target tells is added by scopeOf. */
export interface HostScope {
	values: Values;
	/** Words for `is:`. */
	words: ReadonlySet<string>;
	/** Directory of the run on the host. */
	dir: string;
	/** Directory of the sets on the host. */
	sets: string;
}

/** The values and words that are known before the mirror was asked. Pure. */
export function hostScope(manifest: Manifest, facts: Facts, options: PlanOptions): HostScope {
	const dir = `${RUNS_ON_HOST}/${options.run}`;
	const sets = stageOf(manifest, facts, options);
	// Named by the run, so that it never takes the place of an older one.
	const backupBase = options.run.replace(/^run-/, 'bsdup-');
	const values: Values = {
		...{ dir, sets, host: facts.host, arch: facts.arch, disk: facts.rootDisk, running: facts.release },
		mountsBelow: mountsBelow(facts, '/mnt'),
		unattended: options.unattended ? 'yes' : 'no',
		watchdog: String(options.watchdogMinutes * 60),
		// for find(1): patterns are words there, so they stay quoted
		rewritten: manifest.rewritten.flatMap((entry) => ['!', '-path', `.${entry.path}`]),
		// For awk(1): one word, the names apart by blanks.
		tops: (manifest.sets.tops ?? []).join(' '),
		gtar: facts.gnuTar ?? 'gtar',
		backupDir: options.backup?.dir ?? '',
		backupBase,
		backupName: `${options.backup?.dir ?? ''}/${backupBase}`,
		// A path that begins with a dash would be an option to tar.
		backupPaths: (options.backup?.paths ?? []).map((path) => path.replace(/^\/+/, '').replace(/^-/, './-') || '.'),
		volumeKiB: String(options.backup?.volumeKiB ?? 0),
	};
	const told: [string, boolean][] = [
		['gnuTar', facts.gnuTar !== null],
		['backup', options.backup !== null],
		['packages', options.packages],
		['unattended', options.unattended],
		['stopForwarding', options.stopForwarding && facts.forwarding],
		['site', options.site.length > 0],
	];
	return { values, words: new Set(told.filter(([, holds]) => holds).map(([word]) => word)), dir, sets };
}
