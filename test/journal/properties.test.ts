import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { BsdupError } from '../../src/errors.ts';
import { openJournal, parseJournal, readJournal } from '../../src/journal/journal.ts';
import { type Entry, encodeLine, FIRST } from '../../src/journal/line.ts';
import { statusOf } from '../../src/journal/status.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from '../plan/make.ts';

const dir = mkdtempSync(join(tmpdir(), 'bsdup-journal-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions(), 'in-place');

const t = fc.nat();
const detail = fc.string({ unit: 'binary', maxLength: 12 });
const anyEntry: fc.Arbitrary<Entry> = fc.oneof(
	fc.record({ t, kind: fc.constant('begin' as const), plan: fc.string(), controller: detail }),
	fc.record({
		...{ t, kind: fc.constant('step' as const), id: fc.constantFrom(...plan.steps.map(({ id }) => id)) },
		status: fc.constantFrom('running' as const, 'done' as const, 'already' as const, 'failed' as const, 'waiting' as const),
		...{ attempt: fc.nat(9), detail },
	}),
	fc.record({ t, kind: fc.constant('verdict' as const), id: fc.constant('zone'), verdict: detail, downMs: fc.nat() }),
	fc.record({ t, kind: fc.constant('end' as const), status: fc.constantFrom('done' as const, 'failed' as const), detail }),
);

/** Some lines of the version before checksums, then lines with them. */
const journals = fc.record({ old: fc.array(anyEntry, { maxLength: 3 }), entries: fc.array(anyEntry, { maxLength: 8 }) }).map((both) => {
	const old = both.old.map((entry) => `${JSON.stringify(entry)}\n`).join('');
	let { chain } = parseJournal(Buffer.from(old), 'old');
	const lines = both.entries.map((entry) => {
		const line = encodeLine(entry, chain);
		chain = line.chain;
		return line.text;
	});
	return { entries: [...both.old, ...both.entries], oldBytes: Buffer.byteLength(old), bytes: Buffer.from(old + lines.join('')) };
});
const summedOnly = journals.filter(({ oldBytes, bytes }) => oldBytes === 0 && bytes.length > 0);

/** The entries, or the code of the refusal. Anything else that is thrown fails the property. */
function read(bytes: Buffer): Entry[] | string {
	try {
		return parseJournal(bytes, 'journal.jsonl').entries;
	} catch (error) {
		if (error instanceof BsdupError) return error.code;
		throw error;
	}
}

/** Reading refuses the bytes, or says exactly what was written: no step is lost and none is invented. */
function refusedOrSame(bytes: Buffer, entries: readonly Entry[]): void {
	const found = read(bytes);
	if (found !== 'E_JOURNAL') expect(found).toEqual(entries);
}

describe('of any journal', () => {
	test('what was written is read back, old lines before new ones too', () => {
		fc.assert(
			fc.property(journals, ({ bytes, entries }) => {
				expect(read(bytes)).toEqual(entries);
			}),
		);
	});

	test('any truncation reads as exactly the lines that are whole, and tells that something was cut', () => {
		fc.assert(
			fc.property(journals, fc.nat(), ({ bytes, entries }, at) => {
				const kept = bytes.subarray(0, at % (bytes.length + 1));
				const reading = parseJournal(kept, 'journal.jsonl');
				const lines = kept.toString('latin1').split('\n');
				const rest = lines.pop() ?? '';
				expect(reading.entries).toEqual(entries.slice(0, reading.entries.length));
				// A last line without its newline is there if all of it is.
				expect(reading.entries.length - lines.length).toBe(reading.open ? 1 : 0);
				expect(reading.cut).toBe(rest !== '' && !reading.open);
			}),
		);
	});

	test('any single byte changed is refused, or changes nothing', () => {
		fc.assert(
			fc.property(summedOnly, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ bytes, entries }, at, change) => {
				const other = Buffer.from(bytes);
				const index = at % bytes.length;
				other[index] = (other[index] ?? 0) ^ change;
				refusedOrSame(other, entries);
			}),
			{ numRuns: 1000 },
		);
	});

	test('any single line replaced, taken out, moved or written twice is refused', () => {
		const ways: ((lines: string[], at: number, junk: string) => string[])[] = [
			(lines, at, junk) => lines.with(at, junk),
			(lines, at) => lines.toSpliced(at, 1),
			(lines, at) => lines.toSpliced(at, 0, lines[at] ?? ''),
			(lines, at) => [...lines.toSpliced(at, 1), lines[at] ?? ''],
		];
		fc.assert(
			fc.property(
				summedOnly.filter(({ entries }) => entries.length > 1),
				...([fc.nat(), fc.constantFrom(...ways), fc.string({ unit: 'binary' })] as const),
				({ bytes, entries }, at, way, junk) => {
					const lines = bytes.toString('utf8').trimEnd().split('\n');
					// The last line taken out is a truncation.
					const changed = way(lines, at % (lines.length - 1), junk.replaceAll('\n', ''));
					refusedOrSame(Buffer.from(`${changed.join('\n')}\n`), entries);
				},
			),
			{ numRuns: 500 },
		);
	});

	test('zeros after any truncation, as a power cut leaves them, read as the whole lines before', () => {
		fc.assert(
			fc.property(summedOnly, fc.nat(), fc.integer({ min: 1, max: 99 }), ({ bytes, entries }, at, zeros) => {
				const kept = bytes.subarray(0, at % bytes.length);
				const found = read(Buffer.concat([kept, Buffer.alloc(zeros)]));
				const whole = kept.toString('latin1').split('\n').length - 1;
				// Zeros in the place of a newline: the line before them is whole, which no cut leaves.
				if (found !== 'E_JOURNAL') expect(found).toEqual(entries.slice(0, whole));
			}),
		);
	});

	test('what is appended after any truncation follows the whole lines, and is read back', () => {
		const file = join(dir, 'journal.jsonl');
		fc.assert(
			fc.property(journals, fc.nat(), ({ bytes }, at) => {
				writeFileSync(file, bytes.subarray(0, at % (bytes.length + 1)), { mode: 0o600 });
				const before = readJournal(file).entries;
				const journal = openJournal(file);
				journal.append({ kind: 'step', id: 'zone', status: 'done', attempt: 1, detail: '' });
				journal.close();
				const { entries, cut } = readJournal(file);
				expect(entries.slice(0, -1)).toEqual(before);
				expect(entries.at(-1)).toMatchObject({ id: 'zone', status: 'done' });
				expect(cut).toBe(false);
			}),
		);
	});

	test('a step is told as done only where its last line says so, and always where it does', () => {
		fc.assert(
			fc.property(journals, fc.nat(), ({ bytes }, at) => {
				const { entries } = parseJournal(bytes.subarray(0, at % (bytes.length + 1)), 'journal.jsonl');
				const { steps, next } = statusOf(plan, entries);
				for (const { id, status } of steps) {
					const last = entries.findLast((entry) => entry.kind === 'step' && entry.id === id);
					expect(status).toBe(last?.kind === 'step' ? last.status : 'to do');
				}
				const left = steps.filter(({ status }) => status !== 'done' && status !== 'already');
				expect(next === null).toBe(left.length === 0);
				if (next !== null) expect(left.map(({ id }) => id)).toContain(next);
			}),
		);
	});
});

test('the first line of a journal holds its version and a checksum', () => {
	const entry: Entry = { t: 1, kind: 'step', id: 'zone', status: 'done', attempt: 1, detail: '' };
	expect(encodeLine(entry, FIRST).text).toMatch(/^\{"v":2,"sum":"[0-9a-f]{16}","t":1,"kind":"step",.*\}\n$/);
});
