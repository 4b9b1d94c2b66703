import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openJournal, readJournal } from '../../src/journal/journal.ts';

let dir: string;
let file: string;
beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-journal-'));
	file = join(dir, 'journal.jsonl');
	const journal = openJournal(file);
	for (const id of ['a', 'b']) journal.append({ kind: 'step', id, status: 'done', attempt: 1, detail: '' });
	journal.close();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a journal', () => {
	test('is read back as written, and only its owner may read it', () => {
		expect(readJournal(file).entries).toMatchObject([{ id: 'a' }, { id: 'b' }]);
		expect(statSync(file).mode & 0o777).toBe(0o600);
	});

	test('cut in the middle of its last line is tolerated and goes on', () => {
		appendFileSync(file, '{"t":1,"kind":"st');
		const journal = openJournal(file);
		expect(journal.entries).toHaveLength(2);
		journal.append({ kind: 'end', status: 'done', detail: '' });
		journal.close();
		expect(readJournal(file).entries).toHaveLength(3);
	});

	test('of the version before checksums is read and gone on with; after a line that has one, none without is taken', () => {
		const old = '{"t":1,"kind":"step","id":"a","status":"done","attempt":1,"detail":""}\n';
		writeFileSync(file, old);
		const journal = openJournal(file);
		journal.append({ kind: 'end', status: 'done', detail: '' });
		journal.close();
		expect(readJournal(file).entries).toMatchObject([{ id: 'a' }, { kind: 'end' }]);
		appendFileSync(file, old);
		expect(() => readJournal(file)).toThrow('journal.jsonl:3: the journal is damaged');
	});

	test('of a newer version is not taken for a damaged one', () => {
		writeFileSync(file, '{"v":3,"sum":"0123456789abcdef","t":1}\n');
		expect(() => readJournal(file)).toThrow('written by a newer bsdup');
	});

	test('of zeros, as a power cut may leave it, is begun anew', () => {
		writeFileSync(file, Buffer.alloc(300));
		const journal = openJournal(file);
		expect([journal.entries, journal.cut]).toEqual([[], true]);
		journal.append({ kind: 'end', status: 'done', detail: '' });
		journal.close();
		expect(readJournal(file)).toMatchObject({ entries: [{ kind: 'end' }], cut: false });
	});

	test('damaged in its middle is refused with the line, and nothing is overwritten', () => {
		const text = readFileSync(file, 'utf8').replace('"id":"a"', '"id":"a');
		writeFileSync(file, text);
		expect(() => openJournal(file)).toThrow('journal.jsonl:1: the journal is damaged');
		expect(readFileSync(file, 'utf8')).toBe(text);
	});
});
