import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseList, parseTabbed } from '../../src/fetch/list.ts';
import { ROOT } from '../lab/root.ts';
import { codeOf } from './code-of.ts';
import { formatList } from './format-list.ts';

/** A list, and what is read in it; `HASH` and `OTHER` stand for two hashes. */
interface Case {
	title: string;
	text: string;
	tabbed?: boolean;
	/** The names in it; left out = it is refused. */
	names?: string[];
}

const folder = new URL('./lists/', import.meta.url);
const cases = readdirSync(folder).map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Case);

describe('a list of hashes', () => {
	test.each(cases)('$title', ({ text, tabbed, names }) => {
		const filled = text.replaceAll('HASH', 'a1'.repeat(32)).replaceAll('OTHER', 'b2'.repeat(32));
		const read = (): string[] => [...(tabbed === true ? parseTabbed : parseList)(filled).keys()];
		if (names === undefined) expect(codeOf(read)).toBe('E_LIST_FORMAT');
		else expect(read()).toEqual(names);
	});

	test('is written as it is read', () => {
		const text = `SHA256 (base78.tgz) = ${'a'.repeat(64)}\nSHA256 (bsd.mp) = ${'b'.repeat(64)}\n`;
		expect(formatList(parseList(text))).toBe(text);
	});

	test('with tabs of a real release is read', () => {
		const hashes = parseTabbed(readFileSync(join(ROOT, 'test/fixtures/freebsd-15.0-amd64/MANIFEST'), 'utf8'));
		expect(hashes.size).toBe(9);
		expect(hashes.get('base.txz')).toBe('ac0c933cc02ee8af4da793f551e4a9a15cdcf0e67851290b1e8c19dd6d30bba8');
	});
});
