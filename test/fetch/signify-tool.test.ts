import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatList, parseList } from '../../src/fetch/list.ts';
import { openSigned } from '../../src/fetch/signify.ts';
import { publicKeyText, signedList } from '../lab/keys.ts';
import { ROOT } from '../lab/root.ts';
import { canSignify } from './servers.ts';

const LIST = formatList(
	new Map([
		['base78.tgz', 'a'.repeat(64)],
		['bsd.mp', 'b'.repeat(64)],
	]),
);
const signify = (...args: string[]): string => execFileSync('/usr/bin/signify-openbsd', args, { encoding: 'utf8', stdio: 'pipe' });
const codeOf = (work: () => unknown): string => {
	try {
		work();
		return 'no error';
	} catch (error) {
		return (error as { code?: string }).code ?? String(error);
	}
};

let dir: string;
beforeAll(() => {
	dir = mkdtempSync('/tmp/bsdup-signify-');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.skipIf(!canSignify)('beside signify itself', () => {
	test('a list that signify signed is opened, and not with another of its keys', () => {
		for (const name of ['one', 'two']) signify('-G', '-n', '-p', join(dir, `${name}.pub`), '-s', join(dir, `${name}.sec`));
		writeFileSync(join(dir, 'SHA256'), LIST);
		signify('-S', '-e', '-s', join(dir, 'one.sec'), '-m', join(dir, 'SHA256'), '-x', join(dir, 'SHA256.sig'));
		const signed = readFileSync(join(dir, 'SHA256.sig'), 'utf8');
		const key = (name: string): string => readFileSync(join(dir, `${name}.pub`), 'utf8');
		expect(openSigned(signed, key('one'))).toBe(LIST);
		expect(codeOf(() => openSigned(signed, key('two')))).toBe('E_SIGNATURE');
	});

	test('a list of the practice mirror passes signify', () => {
		writeFileSync(join(dir, 'p.pub'), publicKeyText('78'));
		writeFileSync(join(dir, 'p.sig'), signedList('78', LIST));
		expect(signify('-V', '-e', '-p', join(dir, 'p.pub'), '-x', join(dir, 'p.sig'), '-m', join(dir, 'p.out'))).toContain('Verified');
		expect(readFileSync(join(dir, 'p.out'), 'utf8')).toBe(LIST);
	});

	test('both take the real list, and give the same message', () => {
		const real = join(ROOT, 'test/fixtures/openbsd-7.6-amd64');
		signify('-V', '-e', '-p', join(real, 'openbsd-76-base.pub'), '-x', join(real, 'SHA256.sig'), '-m', join(dir, 'real'));
		const message = openSigned(readFileSync(join(real, 'SHA256.sig'), 'utf8'), readFileSync(join(real, 'openbsd-76-base.pub'), 'utf8'));
		expect(message).toBe(readFileSync(join(dir, 'real'), 'utf8'));
		expect(parseList(message).size).toBe(23); // 25 lines, two of them twice
	});
});

describe('a signature or key that is not spelt as signify spells it', () => {
	const signed = signedList('78', LIST);
	const [comment = '', encoded = ''] = signed.split('\n');
	const key = publicKeyText('78');
	const withLine = (line: string): string => `${comment}\n${line}\n${LIST}`;

	test.each([
		['base64 with the unused bits set', withLine(encoded.replace(/.(==?)$/, (end) => `${end.startsWith('B') ? 'C' : 'B'}${end.slice(1)}`))],
		['a space within', withLine(`${encoded.slice(0, 20)} ${encoded.slice(20)}`)],
		['CR LF', signed.replaceAll('\n', '\r\n')],
		['no padding', withLine(encoded.replace(/=+$/, ''))],
		['cut off', withLine(encoded.slice(0, 40))],
		['another algorithm', withLine(`Xx${encoded.slice(2)}`)],
		['nothing after the comment', `${comment}\n`],
		['no end of its second line', `${comment}\n${encoded}`],
		['no comment', signed.replace('untrusted comment', 'comment')],
	])('is refused: %s', (_name, text) => {
		expect(codeOf(() => openSigned(text, key))).toBe('E_SIGNATURE_FORMAT');
	});

	test.each([
		['an empty key', ''],
		['a page', '<html>\n<body>\n'],
		['a key without a comment', key.replace('untrusted comment', 'comment')],
		['a cut key', key.slice(0, -20)],
		['a signature', signed],
	])('is refused: %s as the key', (_name, text) => {
		expect(codeOf(() => openSigned(signed, text))).toBe('E_KEY_FORMAT');
	});
});

describe('a list', () => {
	test('is written as it is read; CR LF is taken', () => {
		expect(formatList(parseList(LIST))).toBe(LIST);
		expect(parseList(LIST.replaceAll('\n', '\r\n'))).toEqual(parseList(LIST));
	});
});
