import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Milliseconds since the epoch that a Date can hold (ECMAScript, Time Values). */
const Time = z.number().min(-8.64e15).max(8.64e15);

/** One line of the journal; `t` is the time on the controller. */
export const Entry = z.discriminatedUnion('kind', [
	z.strictObject({ t: Time, kind: z.literal('begin'), plan: z.string(), controller: z.string() }),
	z.strictObject({
		t: Time,
		kind: z.literal('step'),
		id: z.string(),
		status: z.enum(['running', 'done', 'already', 'failed', 'waiting', 'undone']),
		attempt: Time,
		detail: z.string(),
	}),
	z.strictObject({ t: Time, kind: z.literal('verdict'), id: z.string(), verdict: z.string(), downMs: z.number() }),
	z.strictObject({
		t: Time,
		kind: z.literal('end'),
		status: z.enum(['done', 'failed', 'waiting', 'interrupted', 'rolled-back']),
		detail: z.string(),
	}),
]);
export type Entry = z.infer<typeof Entry>;

/** The version that is written. Lines of version 1 had no checksum; they are read where they stand before all others. */
const VERSION = 2;
const SUM_LENGTH = 16;
const HEADER = /^\{"v":(\d+),"sum":"([0-9a-f]{16})",/;

/** What the lines read so far add up to: each checksum takes in all lines before it, so that none can go missing between two. */
export interface Chain {
	/** SHA256 (hex) over the lines so far. */
	readonly hash: string;
	/** A line with a checksum has come; none without may follow. */
	readonly summed: boolean;
}

/** The chain before the first line. */
export const FIRST: Chain = { hash: '', summed: false };

/** The line of an entry, with its newline, and the chain after it. */
export function encodeLine(entry: Entry, chain: Chain): { text: string; chain: Chain } {
	const rest = JSON.stringify(entry).slice(1);
	const hash = linked(chain, Buffer.from(rest));
	return { text: `{"v":${VERSION},"sum":"${hash.slice(0, SUM_LENGTH)}",${rest}\n`, chain: { hash, summed: true } };
}

/** The entry of a line (without its newline) and the chain after it; undefined for a line that is not whole and right. */
export function decodeLine(line: Buffer, chain: Chain): { entry: Entry; chain: Chain } | undefined {
	const [header, version, sum] = HEADER.exec(line.subarray(0, 64).toString('latin1')) ?? [];
	if (header === undefined) {
		const entry = chain.summed ? undefined : entryOf(line.toString('utf8'));
		return entry === undefined ? undefined : { entry, chain: { hash: linked(chain, line), summed: false } };
	}
	const rest = line.subarray(header.length);
	const hash = linked(chain, rest);
	const entry = version === String(VERSION) && hash.startsWith(sum ?? ' ') ? entryOf(`{${rest.toString('utf8')}`) : undefined;
	return entry === undefined ? undefined : { entry, chain: { hash, summed: true } };
}

/** The version in a line's header where it is one that this program does not know yet. */
export function newerVersion(line: Buffer): number | undefined {
	const version = Number(/^\{"v":(\d{1,9}),/.exec(line.subarray(0, 64).toString('latin1'))?.[1] ?? 0);
	return version > VERSION ? version : undefined;
}

function linked(chain: Chain, bytes: Buffer): string {
	return createHash('sha256').update(chain.hash).update(bytes).digest('hex');
}

function entryOf(text: string): Entry | undefined {
	try {
		return Entry.safeParse(JSON.parse(text)).data;
	} catch {
		return undefined;
	}
}
