import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseList } from '../../src/fetch/list.ts';
import { keyNameOf, openSigned } from '../../src/fetch/signify.ts';
import { publicKeyText, signedList } from '../lab/keys.ts';
import { ROOT } from '../lab/root.ts';

const real = (name: string): string => readFileSync(join(ROOT, 'test/fixtures/openbsd-7.6-amd64', name), 'utf8');
const list = real('SHA256.sig');
const key = real('openbsd-76-base.pub');
const code = (run: () => unknown): string => {
	try {
		run();
		return 'no error';
	} catch (error) {
		return (error as { code: string }).code;
	}
};

describe('a signed list', () => {
	test('of a real release verifies with its real key, repeated lines and all', () => {
		expect(parseList(openSigned(list, key)).get('base76.tgz')).toBe('fba80e6060d2652769e3ff55e699b476c3ab6369ddec923eb2565a3271c9a07d');
		expect(keyNameOf(list, '^openbsd-[0-9]{2,3}-base\\.pub$')).toBe('openbsd-76-base.pub');
	});

	test('does not verify with any one byte changed after its first line', () => {
		const bytes = Buffer.from(list);
		for (let at = bytes.indexOf(10) + 1; at < bytes.length; at++) {
			const spoilt = Buffer.from(bytes);
			spoilt[at] = (spoilt[at] ?? 0) ^ 1;
			expect(
				code(() => openSigned(spoilt.toString('latin1'), key)),
				`byte ${at}`,
			).not.toBe('no error');
		}
	});

	test('does not verify with another key', () => {
		expect(code(() => openSigned(list, publicKeyText('76')))).toBe('E_SIGNATURE');
		expect(openSigned(signedList('78', 'text\n'), publicKeyText('78'))).toBe('text\n');
	});

	test('is refused when its first line names no key for sets', () => {
		expect(code(() => keyNameOf(list.replace('openbsd-76-base.pub', '../../tmp/x.pub'), '^openbsd-[0-9]{2,3}-base\\.pub$'))).toBe(
			'E_KEY_NAME',
		);
		expect(code(() => keyNameOf('<html>\n', '.*'))).toBe('E_SIGNATURE_FORMAT');
	});

	test.each([
		'<html></html>',
		'',
		'SHA256 (a/b) = 00',
		`SHA256 (a) = ${'0'.repeat(64)}\nSHA256 (a) = ${'1'.repeat(64)}`,
		`SHA256 (-rf) = ${'0'.repeat(64)}`,
	])('of hashes is refused when it reads %j', (text) => {
		expect(code(() => parseList(text))).toBe('E_LIST_FORMAT');
	});
});
