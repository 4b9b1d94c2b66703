import { createHash } from 'node:crypto';
import { quote } from '../transport/quote.ts';
import type { Backup } from './backups.ts';
import { IN_C, memberWords, pathIn, type Tar, volumeWords } from './volume-scripts.ts';

/** Where a restore keeps its state, within the target; it goes when all is done. */
export const STATE = '.bsdup-restore';
/** Records between two signs of progress. */
const CHECKPOINT = 512;
/** Bytes of a record, of 20 blocks. */
export const RECORD_BYTES = 10_240;

/** A restore as it is meant: what, from where, whereto. */
export interface RestoreJob {
	/** See restoreId. */
	id: string;
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
export function restoreLines({ id, tar, backup, dir, target, members, prefix }: RestoreJob): string[] {
	const { files } = backup;
	const words = memberWords(tar, members);
	const lines = [`t=${quote(target)}; s=${quote(stateOf(target))}; id=${id}`];
	if (overThere(target)) lines.push(immutableLine(tar, prefix));
	else if (tar.gnu) lines.push(...skipLines(prefix));
	// The program has the id among its words, so that it is known again.
	// Of each file base tar may have noted what GNU tar does not know, as flags: a warning apiece.
	const quiet = backup.kind === 'split' ? ' --warning=no-unknown-keyword' : '';
	const known = ` --checkpoint=${CHECKPOINT} --anchored --no-wildcards${quiet} -X "$s/have-$id"`;
	const options = tar.gnu ? known : overThere(target) ? ' $left' : '';
	const program = quote(tar.program);
	if (dir === null) return [...lines, `${IN_C} ${program}${options} -C "$t" -xpf -${words}`];
	if (backup.kind === 'gnu-multivolume')
		return [...lines, `${IN_C} exec ${program} --force-local${options} -C "$t" -xpM ${volumeWords(dir, files)}${words}`];
	const pieces = files.map((file) => `cat ${pathIn(dir, file)} && echo ${quote(`read ${file}`)} >&2`).join(' && ');
	// Through a pipe with a name, so that tar is the process that is known, and a piece that cannot be read is no silent end.
	lines.push(`rm -f "$s/pipe-$id"; mkfifo "$s/pipe-$id"; { ${pieces}; } >"$s/pipe-$id" & echo $! >"$s/cat.pid"`);
	return [...lines, `${IN_C} exec ${program}${options} -C "$t" -xpf "$s/pipe-$id"${words}`];
}

/** What the system keeps immutable, and empty: of that tar may set nothing, not even what is right, and would end with an error. */
function immutableLine({ gnu }: Tar, prefix: string): string {
	const where = (then: string): string => `case $(ls -ldo /var/empty 2>/dev/null) in *schg*) ${then} ;; esac`;
	return gnu ? `${where(`echo ${prefix}var/empty`)} >"$s/have-$id"` : `left=; ${where('left=--exclude=^var/empty')}`;
}

function skipLines(prefix: string): string[] {
	const rest = '! -path "./.bsdup-restore/*"';
	return [
		'boot() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.boottime; }',
		': >"$s/have-$id"',
		': >"$s/now"',
		'if [ -f "$s/begun" ] && [ "$(boot)" = "$(cat "$s/boot")" ] && [ -z "$(find "$s/begun" -newer "$s/now")" ]; then',
		`cd "$t" && find . ! -type d -newer "$s/begun" ${rest} -exec rm -f {} \\; || exit 1`,
		'# Not those that tar, which takes no white space at the end of a line, would take for others.',
		`LC_ALL=C find . ! -type d ${rest} ! -path '*\n*' ! -name '*[[:space:]]' | sed ${quote(`s,^\\./,${prefix},`)} >"$s/have-$id"; cd /`,
		'else',
		'# What the disk has of files from before a power cut is not known, nor which are torn once the clock was set back.',
		`if [ -f "$s/boot" ]; then cd "$t" && find . ! -type d ${rest} -exec rm -f {} \\; || exit 1; cd /; fi`,
		'# The begin of this minute: surely older than all that is written now.',
		'boot >"$s/boot"; TZ=UTC0 touch -t "$(TZ=UTC0 date +%Y%m%d%H%M)" "$s/begun"',
		'fi',
	];
}

/** Where a restore into this target keeps its own state, on the host. */
export function stateOf(target: string): string {
	return `${target.replace(/\/+$/, '')}/${STATE}`;
}

/** A process is known again by its number and the id among its words: both together are no accident. */
const ALIVE = [
	'id=$(cat "$s/what" 2>/dev/null)',
	'words() { [ -s "$s/$1.pid" ] && ps -ww -p "$(cat "$s/$1.pid")" -o args= 2>/dev/null; }',
	'alive() { case $(words "$1") in *"${id:-none}"*) ;; *) false ;; esac; }',
	'running() { alive act || alive job; }',
];

/**
 * Whether what is there may be trusted: in a directory that all may write to, as /tmp is, anybody could have made the target before, or
 * a link to another one. Whoever owns it could put a script of theirs in the place of ours. A target's owner may be one of the archive
 * where the restore was begun by us.
 */
const PLANTED = [
	'mine() { [ -z "$(find "$1" -prune ! -user "$(id -u)")" ]; }',
	'planted() {',
	'if [ -e "$s" ] || [ -L "$s" ]; then ! mine "$s"; return; fi',
	'{ [ -e "$t" ] || [ -L "$t" ]; } && [ -n "$(find "$(dirname "$t")/." -prune -perm -2)" ] && ! mine "$t"',
	'}',
];

/**
 * Looks at the target and changes nothing; prints one word and what belongs to it: `new`, `again`, `running`, `other ID`,
 * `holds NAME`, `planted`, `no-directory`, `no-parent`, `not-writable`.
 */
export function lookScript(target: string, id: string): string {
	const full = overThere(target)
		? []
		: ['first=$(find "$t" ! -type d 2>/dev/null | head -n 1); [ -z "$first" ] || { echo "holds $first"; exit; }'];
	return [
		`t=${quote(target)}; s=${quote(stateOf(target))}`,
		...ALIVE,
		...PLANTED,
		'if planted; then echo planted; exit; fi',
		'if [ -d "$s" ]; then',
		`what=$(cat "$s/what" 2>/dev/null); [ "\${what:-${id}}" = ${id} ] || { echo "other $what"; exit; }`,
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
		...PLANTED,
		'umask 022; set -e',
		'[ -d "$t" ] || mkdir "$t"',
		'if planted; then echo "somebody else made $t meanwhile" >&2; exit 1; fi',
		`[ -d "$s" ] || mkdir -m 700 "$s"; [ -s "$s/what" ] || echo ${id} >"$s/what"`,
		...ALIVE,
		'! running || { echo running; exit 0; }',
		'if alive cat; then kill "$(cat "$s/cat.pid")"; fi',
		'rm -f "$s/rc" "$s/log" "$s"/*.pid',
		`printf '%s\\n' ${[...lines.slice(0, 1), 'echo $$ >"$s/act.pid"', ...lines.slice(1)].map(quote).join(' ')} >"$s/job-$id"`,
	].join('\n');
}

/** Begins the script detached: no connection is part of it (design: host-side jobs). */
export function beginScript(target: string): string {
	// On a disk that filled up nothing could be told, but for what was kept free.
	const run = [
		'echo $$ >"$s/job.pid"; sh "$s/job-$id"; c=$?; rm -f "$s/ballast"',
		'[ $c = 0 ] || df -kP "$s" | awk \'NR == 2 { print "free " $4 }\' >>"$s/log"',
		'echo $c >"$s/rc.tmp"; mv "$s/rc.tmp" "$s/rc"',
	];
	return [
		`s=${quote(stateOf(target))}; id=$(cat "$s/what")`,
		`printf '%s\\n' ${quote(`s=${quote(stateOf(target))}`)} "id=$id" ${run.map(quote).join(' ')} >"$s/run-$id"`,
		'dd if=/dev/zero of="$s/ballast" bs=1024 count=64 2>/dev/null',
		': >"$s/log"; nohup sh "$s/run-$id" </dev/null >"$s/log" 2>&1 &',
		'echo $! >"$s/job.pid"',
	].join('\n');
}

/** Runs the script here and now, with the joined archive on its standard input. */
export function fedScript(target: string): string {
	return `s=${quote(stateOf(target))}; exec sh "$s/job-$(cat "$s/what")"`;
}

/** Prints `running`, `ended STATUS` or `lost`, then the log from a byte on. */
export function pollScript(target: string, offset: number): string {
	return [
		`s=${quote(stateOf(target))}`,
		...ALIVE,
		'ended() { [ -s "$s/rc" ] && echo "ended $(cat "$s/rc")"; }',
		'if ended; then :; elif running; then echo running; else ended || echo lost; fi',
		`tail -c +${offset + 1} "$s/log"`,
	].join('\n');
}

/** Ends what runs; the state stays. */
export function stopScript(target: string): string {
	return [
		`s=${quote(stateOf(target))}`,
		...ALIVE,
		'for p in job act cat; do if alive $p; then kill "$(cat "$s/$p.pid")"; fi; done 2>/dev/null',
		'n=0; while alive act && [ $n -lt 50 ]; do sleep 1; n=$((n + 1)); done',
	].join('\n');
}

/** Takes the state away; the target keeps its time of modification. */
export function finishScript(target: string): string {
	return [
		`t=${quote(target)}; s=${quote(stateOf(target))}`,
		'r=$(mktemp /tmp/bsdup.XXXXXXXXXX) && touch -r "$t" "$r" && rm -rf "$s" && touch -r "$r" "$t"; c=$?; rm -f "$r"; exit $c',
	].join('\n');
}
