import { createHash } from 'node:crypto';
import { quote } from '../transport/quote.ts';
import type { Backup } from './backups.ts';
import { pathIn, type Tar, volumeWords } from './volume-scripts.ts';

/** Where a restore keeps its state, within the target; it goes when all is done. */
export const STATE = '.bsdup-restore';
/** Records between two signs of progress, and the bytes they stand for (20 blocks a record). */
export const CHECKPOINT = 512;
export const RECORD_BYTES = 10_240;

/** A restore as it is meant: what, from where, whereto. */
export interface RestoreJob {
	tar: Tar;
	backup: Backup;
	/** The directory of the volumes, on the machine that restores; null = the joined archive comes on standard input. */
	dir: string | null;
	target: string;
	/** Members to restore, as the archive names them; none = all. */
	members: readonly string[];
	/** What the archive's names begin with. */
	prefix: string;
}

/** Names a restore, so that another one is never taken for the rest of it. `sizes`: bytes of the files beside the volumes. */
export function restoreId(backup: Backup, sizes: ReadonlyMap<string, number>, paths: readonly string[]): string {
	const text = JSON.stringify([backup.base, backup.files.map((file) => [file, sizes.get(file), backup.hashes.get(file)]), paths]);
	return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Whether the target is the root of a running system: it is never empty, and what is there gives way. */
export function overThere(target: string): boolean {
	return target === '/';
}

/**
 * The script that restores, begun anew after it was cut. Into a new directory, what a killed restore has whole is left out: tar gives
 * a file its time of modification last, so what is newer than the begin is torn and removed. Directories are always set again.
 */
export function restoreLines({ tar, backup, dir, target, members, prefix }: RestoreJob): string[] {
	const files = backup.files;
	const words =
		members.length === 0 ? '' : ` ${tar.gnu ? '-- ' : ''}${members.map((name) => quote(tar.gnu ? name : literal(name))).join(' ')}`;
	const lines = [`t=${quote(target)}; s=${quote(stateOf(target))}; set --`];
	if (tar.gnu && !overThere(target)) lines.push(...skipLines(prefix));
	if (backup.kind === 'gnu-multivolume' && dir !== null) {
		lines.push(
			`LC_ALL=C exec ${quote(tar.program)} -xpM --force-local --checkpoint=${CHECKPOINT} "$@" ${volumeWords(dir, files)} -C "$t"${words}`,
		);
		return lines;
	}
	const options = tar.gnu ? ` --checkpoint=${CHECKPOINT} "$@"` : '';
	if (dir === null) return [...lines, `LC_ALL=C exec ${quote(tar.program)}${options} -C "$t" -xpf -${words}`];
	const pieces = files.map((file) => `cat ${pathIn(dir, file)} && echo "read ${file}" >&2`).join(' && ');
	// Through a pipe with a name, so that tar is the process that is known, and a piece that cannot be read is no silent end.
	lines.push(`rm -f "$s/pipe"; mkfifo "$s/pipe"; { ${pieces}; } >"$s/pipe" &`);
	lines.push(`LC_ALL=C exec ${quote(tar.program)}${options} -C "$t" -xpf "$s/pipe"${words}`);
	return lines;
}

function skipLines(prefix: string): string[] {
	const rest = '! -path "./.bsdup-restore/*"';
	return [
		'boot() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.boottime; }',
		'if [ -f "$s/begun" ] && [ "$(boot)" = "$(cat "$s/boot")" ]; then',
		`cd "$t" && find . ! -type d -newer "$s/begun" ${rest} -exec rm -f {} +`,
		`find . ! -type d ${rest} ! -path '*\n*' | sed ${quote(`s,^\\./,${prefix},`)} >"$s/have"`,
		'set -- --anchored --no-wildcards -X "$s/have"; cd /',
		'else',
		'# What the disk has of files from before a power cut is not known.',
		`if [ -f "$s/boot" ]; then cd "$t" && find . ! -type d ${rest} -exec rm -f {} +; cd /; fi`,
		'# The begin of this minute: surely older than all that is written now.',
		'boot >"$s/boot"; TZ=UTC0 touch -t "$(TZ=UTC0 date +%Y%m%d%H%M)" "$s/begun"',
		'fi',
	];
}

function literal(name: string): string {
	return name.replace(/[\\*?[]/g, '\\$&');
}

function stateOf(target: string): string {
	return `${target.replace(/\/+$/, '')}/${STATE}`;
}

const ALIVE = [
	'started() { set -- $(ps -p "$1" -o lstart= 2>/dev/null); echo "$*"; }',
	'alive() { [ -s "$s/$1.start" ] && [ "$(started "$(cat "$s/$1.pid")")" = "$(cat "$s/$1.start")" ]; }',
	'own() { echo $$ >"$s/$1.pid"; started $$ >"$s/$1.start"; }',
	'running() { alive job || alive act; }',
];

/**
 * Looks at the target and changes nothing; prints one word and what belongs to it: `new`, `again`, `running`, `other ID`,
 * `holds NAME`, `no-directory`, `no-parent`, `not-writable`.
 */
export function lookScript(target: string, id: string): string {
	const full = overThere(target)
		? []
		: ['first=$(find "$t" ! -type d 2>/dev/null | head -n 1); [ -z "$first" ] || { echo "holds $first"; exit; }'];
	return [
		`t=${quote(target)}; s=${quote(stateOf(target))}`,
		...ALIVE,
		'if [ -d "$s" ]; then',
		`what=$(cat "$s/what" 2>/dev/null); [ "$what" = ${id} ] || { echo "other $what"; exit; }`,
		'if running; then echo running; else echo again; fi; exit',
		'fi',
		'if [ ! -e "$t" ]; then p=$(dirname "$t"); [ -d "$p" ] || { echo no-parent; exit; }; [ -w "$p" ] || { echo not-writable; exit; }; echo new; exit; fi',
		'[ -d "$t" ] || { echo no-directory; exit; }',
		'[ -w "$t" ] || { echo not-writable; exit; }',
		...full,
		'echo new',
	].join('\n');
}

/** Makes the target and its state; the script lies there. */
export function prepareScript(target: string, id: string, lines: readonly string[]): string {
	return [
		`t=${quote(target)}; s=${quote(stateOf(target))}`,
		'umask 022; set -e',
		'[ -d "$t" ] || mkdir "$t"',
		`[ -d "$s" ] || { mkdir -m 700 "$s"; echo ${id} >"$s/what"; }`,
		...ALIVE,
		'! running || { echo running; exit 0; }',
		'rm -f "$s/rc" "$s/log" "$s"/*.pid "$s"/*.start',
		`printf '%s\\n' ${[...ALIVE, ...lines.slice(0, 1), 'own act', ...lines.slice(1)].map((line) => quote(line)).join(' ')} >"$s/job"`,
	].join('\n');
}

/** Begins the script detached: no connection is part of it (design: host-side jobs). */
export function beginScript(target: string): string {
	const job = 'own job; sh "$s/job"; echo $? >"$s/rc.tmp"; mv "$s/rc.tmp" "$s/rc"';
	return [
		`s=${quote(stateOf(target))}`,
		`printf '%s\\n' ${[`s=${quote(stateOf(target))}`, ...ALIVE, job].map((line) => quote(line)).join(' ')} >"$s/run"`,
		': >"$s/log"; nohup sh "$s/run" </dev/null >"$s/log" 2>&1 &',
		...ALIVE,
		'echo $! >"$s/job.pid"; started $! >"$s/job.start"',
	].join('\n');
}

/** Runs the script here and now, with the joined archive on its standard input. */
export function fedScript(target: string): string {
	return `s=${quote(stateOf(target))}; exec sh "$s/job"`;
}

/** Prints `running`, `ended STATUS` or `lost`, then the log from a byte on. */
export function pollScript(target: string, offset: number): string {
	return [
		`s=${quote(stateOf(target))}`,
		...ALIVE,
		'if running; then echo running; elif [ -s "$s/rc" ]; then echo "ended $(cat "$s/rc")"; else echo lost; fi',
		`tail -c +${offset + 1} "$s/log"`,
	].join('\n');
}

/** Ends what runs; the state stays. */
export function stopScript(target: string): string {
	return [
		`s=${quote(stateOf(target))}`,
		...ALIVE,
		'for p in job act; do if alive $p; then kill "$(cat "$s/$p.pid")"; fi; done 2>/dev/null',
		'n=0; while alive act && [ $n -lt 50 ]; do sleep 1; n=$((n + 1)); done',
	].join('\n');
}

/** Takes the state away; the target keeps its time of modification. */
export function finishScript(target: string): string {
	return [
		`t=${quote(target)}; s=${quote(stateOf(target))}`,
		'r=$(mktemp) && touch -r "$t" "$r" && rm -rf "$s" && touch -r "$r" "$t"; c=$?; rm -f "$r"; exit $c',
	].join('\n');
}
