import type { Facts } from '../facts/facts.ts';
import { PLACEHOLDER } from '../manifest/placeholders.ts';
import type { Manifest } from '../manifest/schema.ts';
import { backupValues, backupWords } from './backup-values.ts';
import type { Values } from './expand.ts';
import { devicesBelow, disksBelow, mountsBelow, stageOf } from './mounts.ts';
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
export function hostScope(manifest: Pick<Manifest, 'stage' | 'rewritten'>, facts: Facts, options: PlanOptions): HostScope {
	const dir = `${RUNS_ON_HOST}/${options.run}`;
	// Where nothing is brought there is no place for it either.
	const sets = manifest.stage === undefined ? RUNS_ON_HOST : stageOf({ stage: manifest.stage }, facts, options);
	const values: Values = {
		...{ dir, sets, host: facts.host, arch: facts.arch, disk: facts.rootDisk, running: facts.release },
		mountsBelow: mountsBelow(facts, '/mnt'),
		devicesBelow: devicesBelow(facts),
		disksBelow: disksBelow(facts),
		unattended: options.unattended ? 'yes' : 'no',
		day: /^run-(\d{8})/.exec(options.run)?.[1] ?? options.run,
		watchdog: String(options.watchdogMinutes * 60),
		// for find(1): patterns are words there, so they stay quoted
		rewritten: manifest.rewritten.flatMap((entry) => ['!', '-path', `.${entry.path}`]),
		...backupValues(facts, options, dir),
	};
	const told: [string, boolean][] = [
		['gnuTar', facts.gnuTar !== null],
		...backupWords(facts, options.backup),
		['packages', options.packages],
		['unattended', options.unattended],
		['stopForwarding', options.stopForwarding && facts.forwarding],
		['older', options.older === true],
		['site', options.site.length > 0],
		// What a system's own probes tell to hold, by their names.
		...Object.entries(facts.also ?? {}).map(([name, told]): [string, boolean] => [name, told === true]),
	];
	return { values, words: new Set(told.filter(([, holds]) => holds).map(([word]) => word)), dir, sets };
}

/** The values with the manifest's own names; one that is made of what is not known is left out. */
export function withNames({ names }: Pick<Manifest, 'names'>, values: Values): Values {
	const known = Object.entries(names).filter(([, text]) =>
		[...text.matchAll(PLACEHOLDER)].every(([, name = '']) => typeof values[name] === 'string'),
	);
	const made = known.map(([name, text]) => [name, text.replace(PLACEHOLDER, (_, part: string) => String(values[part]))]);
	return { ...values, ...Object.fromEntries(made) };
}
