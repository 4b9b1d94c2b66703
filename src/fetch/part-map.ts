import { Ranges } from './ranges.ts';

/**
 * The text beside a part that tells which of its bytes are there: a first line that names the file, then one line a stretch, in the
 * order things happened. Lines are only ever appended, so that a program may be killed at any instant; a torn last line is none.
 */

/** The first line: a part of another file must not be taken up, whatever its name. */
export function mapHead(sha256: string): string {
	return `bsdup-part 1 ${sha256}\n`;
}

/** The line for bytes `start` up to `end` that came. */
export function mapLine(start: number, end: number): string {
	return `${start} ${end}\n`;
}

/** The line after which nothing that was noted before counts. */
export const FORGET = 'forget\n';

/** What a map's text says is there of the first `size` bytes of the part; null if it is the map of another file or none at all. */
export function readMap(text: string, sha256: string, size: number): Ranges | null {
	const head = mapHead(sha256);
	if (!text.startsWith(head)) return null;
	let have = new Ranges();
	for (const line of text.slice(head.length).split('\n').slice(0, -1)) {
		if (`${line}\n` === FORGET) have = new Ranges();
		const [start, end] = (/^(\d{1,15}) (\d{1,15})$/.exec(line) ?? []).slice(1).map(Number);
		// After a power cut the map may be ahead of the part: what lies beyond its end never reached the disk.
		if (start !== undefined && end !== undefined) have.add({ start, end: Math.min(end, size) });
	}
	return have;
}
