import { closeSync, ftruncateSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { BsdupError } from '../errors.ts';
import { quote } from '../transport/quote.ts';
import { appendSynced, openForAppend, readOwn } from './disk.ts';
import { type Chain, decodeLine, type Entry, encodeLine, FIRST, newerVersion } from './line.ts';

type Unstamped<T> = T extends Entry ? Omit<T, 't'> : never;

/** A run's append-only record; a line is on the disk before `append` returns. */
export interface Journal {
	append(entry: Unstamped<Entry>): void;
	readonly entries: readonly Entry[];
	/** The file ended in a line that was cut, or in zeros; what it would have said is not in `entries`. */
	readonly cut: boolean;
	close(): void;
}

/** What a journal holds. */
export interface Reading {
	entries: Entry[];
	/** Bytes up to the end of the last whole line. */
	whole: number;
	/** Something stands after them: a line cut by a crash, or the zeros that a power cut leaves in a file made longer. */
	cut: boolean;
	/** The last line is whole but for its newline. */
	open: boolean;
	/** For the next line. */
	chain: Chain;
}

/** Reads a journal; a missing, empty or zeroed one holds no entries. Throws E_JOURNAL for a damaged one, E_STATE_OWNER. */
export function readJournal(file: string): Reading {
	return parseJournal(readOwn(file) ?? Buffer.alloc(0), file);
}

/**
 * The same from bytes; `file` names it in errors. Only the end may be missing: a last line without its newline is taken if it is
 * whole by its checksum, and left out if it was cut. Any other fault is E_JOURNAL.
 */
export function parseJournal(bytes: Buffer, file: string): Reading {
	const entries: Entry[] = [];
	let chain = FIRST;
	let whole = 0;
	while (whole < bytes.length) {
		const end = bytes.indexOf(10, whole);
		const line = bytes.subarray(whole, end < 0 ? bytes.length : end);
		const read = decodeLine(line, chain);
		if (read === undefined) {
			if (end >= 0 || !looksCut(line, chain)) throw damaged(file, entries.length + 1, line);
			return { entries, whole, cut: true, open: false, chain };
		}
		entries.push(read.entry);
		chain = read.chain;
		whole += line.length;
		if (end < 0) return { entries, whole, cut: false, open: true, chain };
		whole++;
	}
	return { entries, whole, cut: false, open: false, chain };
}

/** Opens (or makes) a journal for appending, mode 0600. Throws E_JOURNAL for a damaged one and writes nothing then; E_STATE_OWNER, E_STATE_WRITE. */
export function openJournal(file: string): Journal {
	const { entries, whole, cut, open, chain: read } = readJournal(file);
	let chain = read;
	const fd = openForAppend(file);
	ftruncateSync(fd, whole);
	if (open) appendSynced(fd, file, '\n');
	return {
		entries,
		cut,
		append(entry) {
			const stamped = { t: Date.now(), ...entry } as Entry;
			const line = encodeLine(stamped, chain);
			appendSynced(fd, file, line.text);
			chain = line.chain;
			entries.push(stamped);
		},
		close: () => closeSync(fd),
	};
}

/** Can an append that was cut have left this? The beginning of a line, zeros, or both. A line whole but for its newline is something else. */
function looksCut(tail: Buffer, chain: Chain): boolean {
	const text = tail.toString('latin1').replace(/\0+$/, '');
	return (text === '' || text.startsWith('{')) && decodeLine(tail.subarray(0, -1), chain)?.chain.summed !== true;
}

function damaged(file: string, number: number, line: Buffer): BsdupError {
	const newer = newerVersion(line);
	const run = basename(dirname(file));
	if (newer !== undefined) {
		return new BsdupError({
			code: 'E_JOURNAL',
			message: `${file}:${number}: the journal was written by a newer bsdup (its version ${newer})`,
			state: 'The host is as the run left it; nothing was written here.',
			next: ['use the newer bsdup'],
		});
	}
	return new BsdupError({
		code: 'E_JOURNAL',
		message: `${file}:${number}: the journal is damaged before its last line`,
		state: 'The host is as the run left it; nothing was written here.',
		next: [
			`mv ${quote(file)} ${quote(`${file}.damaged`)} && bsdup resume ${run}   (the host's own record tells what was done)`,
			`look at that record, on the host: sh /var/db/bsdup/${run}/resume.sh status`,
		],
	});
}
