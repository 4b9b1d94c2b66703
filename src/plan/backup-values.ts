import type { Facts } from '../facts/facts.ts';
import { quote } from '../transport/quote.ts';
import type { Values } from './expand.ts';
import type { BackupOptions, PlanOptions } from './options.ts';

/** Bytes of a tar record, to which GNU tar rounds -L up (F:C). */
const RECORD = 10_240;

/** The name that begins all files of a run's backup: by the run, so that it never takes the place of an older one. */
export function backupBaseOf(run: string): string {
	return run.replace(/^run-/, 'bsdup-');
}

/** Whether the backup is one plain archive in pieces, and not GNU tar's volumes. */
function isSplit(facts: Facts, backup: BackupOptions | null): boolean {
	return backup !== null && (backup.format === 'split' || backup.here !== undefined || facts.gnuTar === null);
}

/** What steps and checks of a backup are expanded with; `dir`: of the run on the host. */
export function backupValues(facts: Facts, options: PlanOptions, dir: string): Values {
	const { backup } = options;
	const base = backupBaseOf(options.run);
	const kib = backup?.volumeKiB ?? 0;
	// A path that begins with a dash would be an option to tar.
	const paths = (backup?.paths ?? []).map((path) => relative(path).replace(/^-/, './-') || '.');
	const excludes = excludeWords(backup?.excludes ?? [], paths, dir);
	const gtar = facts.gnuTar ?? 'gtar';
	return {
		gtar,
		backupDir: backup?.dir ?? '',
		backupBase: base,
		backupName: `${backup?.dir ?? ''}/${base}`,
		backupPaths: paths,
		backupExcludes: excludes,
		backupKiB: sizeLine(gtar, paths, (backup?.excludes ?? []).length > 0 ? excludes : null),
		backupDevice: backup?.device ?? '',
		backupAbout: aboutOf(facts, options),
		volumeKiB: String(kib),
		volumeBytes: String(Math.ceil((kib * 1024) / RECORD) * RECORD),
	};
}

/**
 * A line of sh that prints how many KiB a backup takes, in /. What is left out takes no room, and du knows nothing of it: GNU tar does, which
 * reads no file that it writes to /dev/null. du without -x, for tar goes into what is mounted below as well; with -A, where it is known, for
 * what a file system packs tar does not.
 */
function sizeLine(gtar: string, paths: readonly string[], excludes: readonly string[] | null): string {
	const words = (list: readonly string[]): string => list.map(quote).join(' ');
	const sum = (each: string): string => `2>/dev/null | awk "${each} END { printf \\"%.0f\\n\\", n }"`;
	if (excludes === null)
		return `if du -A /dev/null >/dev/null 2>&1; then a=A; else a=; fi; du -sk$a ${words(paths)} ${sum('{ n += \\$1 }')}`;
	const files = '{ n += 0.5 } /^-/ { n += int((\\$3 + 511) / 512) / 2 }';
	return `${words([gtar, '--numeric-owner', '-cvvf', '/dev/null', ...excludes, ...paths])} ${sum(files)}`;
}

/** Words for `is:` that the backup's options tell. */
export function backupWords(facts: Facts, backup: BackupOptions | null): [string, boolean][] {
	return [
		['backup', backup !== null],
		['gnu', backup?.format === 'gnu'],
		['split', isSplit(facts, backup)],
		['excludes', (backup?.excludes ?? []).length > 0],
		['device', backup?.device !== undefined],
		['here', backup?.here !== undefined],
	];
}

/** The first part of MANIFEST.json, without its closing brace; whoever wrote the volumes adds what came of them. */
export function aboutOf(facts: Facts, options: PlanOptions): string {
	const { backup, run } = options;
	const about = {
		...{ format: 1, kind: isSplit(facts, backup) ? 'split' : 'gnu-multivolume', base: backupBaseOf(run) },
		...{ host: facts.host, system: facts.system, release: facts.release, run },
		paths: (backup?.paths ?? []).map((path) => relative(path) || '.'),
		excludes: backup?.excludes ?? [],
		volumeKiB: backup?.volumeKiB ?? 0,
	};
	return JSON.stringify(about).slice(0, -1);
}

/** GNU tar's options; the run's own directory, whose logs grow meanwhile, is always left out. `paths`: as tar is given them. */
function excludeWords(excludes: readonly string[], paths: readonly string[], dir: string): string[] {
	// GNU tar compares with names as they are in the archive, where those of the whole root begin with ./
	const dotted = (path: string): boolean => /^\.(\/|$)/.test(path);
	const tops = [...(paths.length > 0 && paths.every(dotted) ? [] : ['']), ...(paths.some(dotted) ? ['./'] : [])];
	// With a slash at its end, as a shell completes it, a pattern fits nothing there.
	const patterns = excludes.map((pattern) => pattern.replace(/(.)\/+$/, '$1'));
	const fromRoot = [dir, ...patterns.filter((pattern) => pattern.startsWith('/'))].map(relative);
	const anchored = tops.flatMap((top) => fromRoot.map((path) => `--exclude=${top}${path}`));
	const names = patterns.filter((pattern) => !pattern.startsWith('/')).map((pattern) => `--exclude=${pattern}`);
	return ['--no-wildcards-match-slash', '--anchored', ...anchored, ...(names.length === 0 ? [] : ['--no-anchored', ...names])];
}

function relative(path: string): string {
	return path.replace(/^\/+/, '');
}
