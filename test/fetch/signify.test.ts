import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseList } from '../../src/fetch/list.ts';
import { keyNameOf, openSigned } from '../../src/fetch/signify.ts';
import { verifyList } from '../../src/fetch/verify-list.ts';
import { publicKeyText, signedList } from '../lab/keys.ts';
import { ROOT } from '../lab/root.ts';
import { codeOf } from './code-of.ts';

const real = (name: string): Buffer => readFileSync(join(ROOT, 'test/fixtures/openbsd-7.6-amd64', name));
const list = real('SHA256.sig');
const key = real('openbsd-76-base.pub');
const COMMENT = 'untrusted comment: ';
const FIRST_LINE = list.indexOf('\n');
/** Other values of a byte: its lowest bit, its highest, white space, the end of a line, the end of a string. */
const others = (byte: number): number[] => [byte ^ 1, byte ^ 0x80, 0x20, 0x0d, 0x0a, 0].filter((value) => value !== byte);
const spoilt = (at: number, value: number): Buffer => {
	const bytes = Buffer.from(list);
	bytes[at] = value;
	return bytes;
};

describe('a signed list', () => {
	test('of a real release verifies with its real key, repeated lines and all', () => {
		const hashes = parseList(openSigned(list, key).toString());
		expect(hashes.get('base76.tgz')).toBe('fba80e6060d2652769e3ff55e699b476c3ab6369ddec923eb2565a3271c9a07d');
		expect(keyNameOf(list, '^openbsd-[0-9]{2,3}-base\\.pub$')).toBe('openbsd-76-base.pub');
	});

	test('does not verify with any one byte changed outside the text of its comment', () => {
		let tried = 0;
		for (let at = 0; at < list.length; at++) {
			if (at >= COMMENT.length && at < FIRST_LINE) continue;
			for (const value of others(list[at] ?? 0)) {
				tried++;
				expect(
					codeOf(() => openSigned(spoilt(at, value), key)),
					`byte ${at} as ${value}`,
				).toMatch(/^E_SIGNATURE/);
			}
		}
		expect(tried).toBeGreaterThan(10_000);
	});

	test('does not verify with any one byte left out or put in, the first line but for its text included', () => {
		for (let at = 0; at < list.length; at++) {
			if (at >= COMMENT.length && at < FIRST_LINE) continue;
			const without = Buffer.concat([list.subarray(0, at), list.subarray(at + 1)]);
			const twice = Buffer.concat([list.subarray(0, at + 1), Buffer.from('x'), list.subarray(at + 1)]);
			expect(
				codeOf(() => openSigned(without, key)),
				`without byte ${at}`,
			).toMatch(/^E_SIGNATURE/);
			if (at !== COMMENT.length - 1)
				expect(
					codeOf(() => openSigned(twice, key)),
					`after byte ${at}`,
				).toMatch(/^E_SIGNATURE/);
		}
	});

	test('does not verify when its comment names another key, unless the key is given', async () => {
		const top = mkdtempSync(join(tmpdir(), 'bsdup-comment-'));
		const [dir, keyDir] = [join(top, 'sets'), join(top, 'keys')];
		for (const path of [dir, keyDir]) mkdirSync(path);
		for (const number of ['75', '77', '16', '74']) writeFileSync(join(keyDir, `openbsd-${number}-base.pub`), publicKeyText(number));
		const own = join(keyDir, 'openbsd-76-base.pub');
		copyFileSync(join(ROOT, 'test/fixtures/openbsd-7.6-amd64/openbsd-76-base.pub'), own);
		const tell = async (given?: string): Promise<string> =>
			await verifyList({ dir, keyDir, key: given, allowUnsigned: false }).then(
				() => 'no error',
				(error: { code: string }) => error.code,
			);
		writeFileSync(join(dir, 'SHA256.sig'), list);
		expect(await tell()).toBe('no error');
		for (let at = COMMENT.length; at < FIRST_LINE; at++) {
			for (const value of others(list[at] ?? 0)) {
				writeFileSync(join(dir, 'SHA256.sig'), spoilt(at, value));
				expect(await tell(), `byte ${at} as ${value}`).toMatch(/^E_(SIGNATURE|KEY)/);
				if (value !== 0 && value !== 0x0a) expect(await tell(own), `byte ${at} as ${value}`).toBe('no error');
			}
		}
		writeFileSync(join(dir, 'SHA256.sig'), list.toString().replace('openbsd-76', 'openbsd-77'));
		expect(await tell()).toBe('E_SIGNATURE');
		expect(await tell(own)).toBe('no error');
		rmSync(top, { recursive: true });
	});

	test('does not verify with another key', () => {
		expect(codeOf(() => openSigned(list, Buffer.from(publicKeyText('76'))))).toBe('E_SIGNATURE');
		expect(openSigned(Buffer.from(signedList('78', 'text\n')), Buffer.from(publicKeyText('78'))).toString()).toBe('text\n');
	});

	test('may hold any bytes, for signify signs bytes', () => {
		const message = Buffer.from('fe00ff0d0a80', 'hex');
		expect(openSigned(signedList('78', message), Buffer.from(publicKeyText('78')))).toEqual(message);
	});

	test('is refused when its first line names no key for sets', () => {
		const named = (name: string): Buffer => Buffer.from(list.toString().replace('openbsd-76-base.pub', name));
		for (const name of ['../../tmp/x.pub', 'openbsd-76-pkg.pub', 'openbsd-7-base.pub', 'openbsd-7600-base.pub', 'xopenbsd-76-base.pub'])
			expect(
				codeOf(() => keyNameOf(named(name), '^openbsd-[0-9]{2,3}-base\\.pub$')),
				name,
			).toBe('E_KEY_NAME');
		for (const name of ['', 'openbsd-76-base.pub ', 'a b', 'openbsd-76-base.pub\r'])
			expect(
				codeOf(() => keyNameOf(named(name), '.*')),
				name,
			).toBe('E_SIGNATURE_FORMAT');
		expect(codeOf(() => keyNameOf(Buffer.from('<html>\n'), '.*'))).toBe('E_SIGNATURE_FORMAT');
	});

	test('that is a page, as of a network that wants a login, is shown by how it begins', () => {
		expect(() => keyNameOf(Buffer.from('<html>Log in</html>\n'), '.*')).toThrow(
			expect.objectContaining({
				message: expect.stringContaining('it begins with "<html>Log in</html>\\n"'),
				next: expect.arrayContaining([expect.stringContaining('want a login')]),
			}),
		);
	});
});
