import { closeSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { BsdupError } from '../errors.ts';

/** One line of the journal; `t` is milliseconds since the epoch on the controller. */
export const Entry = z.discriminatedUnion('kind', [
	z.strictObject({ t: z.number(), kind: z.literal('begin'), plan: z.string(), controller: z.string() }),
	z.strictObject({
		t: z.number(),
		kind: z.literal('step'),
		id: z.string(),
		status: z.enum(['running', 'done', 'already', 'failed', 'waiting', 'undone']),
		attempt: z.number(),
		detail: z.string(),
	}),
	z.strictObject({ t: z.number(), kind: z.literal('verdict'), id: z.string(), verdict: z.string(), downMs: z.number() }),
	z.strictObject({
		t: z.number(),
		kind: z.literal('end'),
		status: z.enum(['done', 'failed', 'waiting', 'interrupted', 'rolled-back']),
		detail: z.string(),
	}),
]);
export type Entry = z.infer<typeof Entry>;
type Unstamped<T> = T extends Entry ? Omit<T, 't'> : never;

/** A run's append-only record; a line is on the disk before `append` returns. */
export interface Journal {
	append(entry: Unstamped<Entry>): void;
	readonly entries: readonly Entry[];
	close(): void;
}

/** Reads the entries of a file. A last line cut by a crash is left out; a damaged line before it is E_JOURNAL. */
export function readJournal(file: string): { entries: Entry[]; whole: number } {
	let bytes: Buffer;
	try {
		bytes = readFileSync(file);
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { entries: [], whole: 0 };
		throw cause;
	}
	const entries: Entry[] = [];
	let whole = 0;
	let line = 0;
	while (whole < bytes.length) {
		line++;
		const end = bytes.indexOf(10, whole);
		// No newline: the last append was cut; what it announced may not have begun.
		if (end < 0) break;
		entries.push(parseLine(bytes.subarray(whole, end).toString('utf8'), file, line));
		whole = end + 1;
	}
	return { entries, whole };
}

/** Opens (or makes) a journal for appending, mode 0600. Throws E_JOURNAL for a damaged one and writes nothing then. */
export function openJournal(file: string): Journal {
	const { entries, whole } = readJournal(file);
	const fd = openSync(file, 'a', 0o600);
	truncateSync(file, whole);
	return {
		entries,
		append(entry) {
			const stamped = { t: Date.now(), ...entry } as Entry;
			writeSync(fd, `${JSON.stringify(stamped)}\n`);
			fsyncSync(fd);
			entries.push(stamped);
		},
		close: () => closeSync(fd),
	};
}

function parseLine(text: string, file: string, line: number): Entry {
	try {
		return Entry.parse(JSON.parse(text));
	} catch (cause) {
		throw new BsdupError({
			code: 'E_JOURNAL',
			message: `${file}:${line}: the journal is damaged before its last line`,
			state: 'The host is as the run left it; nothing was written here.',
			next: [
				`look at the host's own record: sh /var/db/bsdup/RUN/resume.sh status`,
				`move ${file} aside, then bsdup resume again: the host's jobs tell what was done`,
			],
			cause,
		});
	}
}
