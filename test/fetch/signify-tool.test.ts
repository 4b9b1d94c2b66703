import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseList } from '../../src/fetch/list.ts';
import { openSigned } from '../../src/fetch/signify.ts';
import { publicKeyText, signedList } from '../lab/keys.ts';
import { ROOT } from '../lab/root.ts';
import { codeOf } from './code-of.ts';
import { formatList } from './format-list.ts';
import { canSignify } from './servers.ts';
import { type SignifyCase, seeded, signifyCases } from './signify-cases.ts';

const SIGNIFY = '/usr/bin/signify-openbsd';
const LIST = formatList(
	new Map([
		['base78.tgz', 'a'.repeat(64)],
		['bsd.mp', 'b'.repeat(64)],
	]),
);
const signify = (...args: string[]): string => execFileSync(SIGNIFY, args, { encoding: 'utf8', stdio: 'pipe' });

let dir: string;
beforeAll(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-signify-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** What signify says of it: the message, or null. */
async function asked({ signed, key }: SignifyCase, name: string): Promise<Buffer | null> {
	const at = join(dir, name);
	writeFileSync(`${at}.sig`, signed);
	writeFileSync(`${at}.pub`, key);
	const status = await new Promise<number>((resolve) =>
		execFile(SIGNIFY, ['-V', '-e', '-q', '-p', `${at}.pub`, '-x', `${at}.sig`, '-m', `${at}.out`], (error) =>
			resolve(Number(error?.code ?? 0)),
		),
	);
	return status === 0 ? readFileSync(`${at}.out`) : null;
}

/** What bsdup says of it. */
function own({ signed, key }: SignifyCase): Buffer | null {
	try {
		return openSigned(signed, key);
	} catch (error) {
		if ((error as { code?: string }).code === undefined) throw error;
		return null;
	}
}

describe.skipIf(!canSignify)('beside signify itself', () => {
	/** Signed by signify itself with keys of its own, and by the lab with the lab's. */
	const signers = (): { title: string; key: (which: 0 | 1) => Buffer; sign: (message: Buffer) => Buffer }[] => {
		for (const name of ['one', 'two']) signify('-G', '-n', '-p', join(dir, `${name}.pub`), '-s', join(dir, `${name}.sec`));
		return [
			{
				title: 'signify',
				key: (which) => readFileSync(join(dir, `${which === 0 ? 'one' : 'two'}.pub`)),
				sign(message) {
					writeFileSync(join(dir, 'message'), message);
					signify('-S', '-e', '-s', join(dir, 'one.sec'), '-m', join(dir, 'message'), '-x', join(dir, 'message.sig'));
					return readFileSync(join(dir, 'message.sig'));
				},
			},
			{
				title: 'the lab',
				key: (which) => Buffer.from(publicKeyText(which === 0 ? '78' : '79')),
				sign: (message) => signedList('78', message),
			},
		];
	};

	test('1,000 random lists and keys, good and spoilt, are judged alike, signed by either', async () => {
		const seed = Number(process.env['BSDUP_SEED'] ?? Date.now() % 2 ** 31);
		const random = seeded(seed);
		let good = 0;
		let done = 0;
		for (const signer of signers()) {
			const cases = signifyCases(500, random, signer);
			const queue = [...cases.entries()];
			const worker = async (lane: number): Promise<void> => {
				for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
					const [index, one] = next;
					const theirs = await asked(one, `${signer.title}-${lane}`);
					expect(own(one), `BSDUP_SEED=${seed}: case ${index} signed by ${signer.title}, ${one.how}`).toEqual(theirs);
					if (theirs !== null) good++;
					done++;
				}
			};
			await Promise.all([0, 1, 2, 3].map(worker));
		}
		expect(done).toBe(1000);
		expect(good).toBeGreaterThan(100);
		expect(good).toBeLessThan(900);
	}, 120_000);

	test('both take the real list, and give the same message', () => {
		const real = join(ROOT, 'test/fixtures/openbsd-7.6-amd64');
		signify('-V', '-e', '-p', join(real, 'openbsd-76-base.pub'), '-x', join(real, 'SHA256.sig'), '-m', join(dir, 'real'));
		const message = openSigned(readFileSync(join(real, 'SHA256.sig')), readFileSync(join(real, 'openbsd-76-base.pub')));
		expect(message).toEqual(readFileSync(join(dir, 'real')));
		expect(parseList(message.toString()).size).toBe(23); // 25 lines, two of them twice
	});
});

describe('a signature or key', () => {
	const signed = signedList('78', LIST);
	const [comment = '', encoded = ''] = signed.split('\n');
	const key = publicKeyText('78');
	const keyLine = key.split('\n')[1] ?? '';
	const withLine = (line: string): string => `${comment}\n${line}\n${LIST}`;
	const open = (text: string, keyText = key): string =>
		codeOf(() => openSigned(Buffer.from(text, 'latin1'), Buffer.from(keyText, 'latin1')));

	test.each([
		['the unused bits set', withLine(encoded.replace(/.=$/, (end) => `${end.startsWith('B') ? 'C' : 'B'}=`))],
		['no padding', withLine(encoded.replace(/=+$/, ''))],
		['too much padding', withLine(`${encoded}=`)],
		['something after the padding', withLine(`${encoded}A`)],
		['the alphabet of URLs', withLine(`${encoded.slice(0, 20)}-${encoded.slice(21)}`)],
		['cut off', withLine(encoded.slice(0, 40))],
		['longer', withLine(Buffer.concat([Buffer.from(encoded, 'base64'), Buffer.alloc(3)]).toString('base64'))],
		['a NUL and more', withLine(`${encoded}\0x`)],
		['a blank that C does not know', withLine(`${encoded}\xa0`)],
		['another algorithm', withLine(`Xx${encoded.slice(2)}`)],
		['nothing after the comment', `${comment}\n`],
		['no end of its second line', `${comment}\n${encoded}`],
		['no comment', signed.replace('untrusted comment', 'comment')],
		['an empty comment', `untrusted comment: \n${encoded}\n${LIST}`],
		['a comment of 1024 bytes', `untrusted comment: ${'x'.repeat(1024)}\n${encoded}\n${LIST}`],
	])('is refused as signify refuses it: %s', (_name, text) => {
		expect(open(text)).toBe('E_SIGNATURE_FORMAT');
	});

	test.each([
		['white space within', withLine(`${encoded.slice(0, 20)} \t${encoded.slice(20)}`), key],
		['a CR at the end of its line', withLine(`${encoded}\r`), key],
		['a comment of 1023 bytes', `untrusted comment: ${'x'.repeat(1023)}\n${encoded}\n${LIST}`, key],
		['a key in lines of CR LF', signed, key.replaceAll('\n', '\r\n')],
		['more after the key', signed, `${key}more\n`],
		['a key that ends with what signify reads of a file', signed, `untrusted comment: ${'x'.repeat(1970)}\n${keyLine}\n`],
	])('is taken as signify takes it: %s', (_name, text, keyText) => {
		expect(open(text, keyText)).toBe('no error');
	});

	test.each([
		['an empty key', ''],
		['a page', '<html>\n<body>\n'],
		['a key without a comment', key.replace('untrusted comment', 'comment')],
		['a cut key', key.slice(0, -20)],
		['a key without its last newline', key.slice(0, -1)],
		['a key beyond what signify reads of a file', `untrusted comment: ${'x'.repeat(1971)}\n${keyLine}\n`],
		['a signature', signed],
	])('is refused: %s as the key', (_name, text) => {
		expect(open(signed, text)).toBe('E_KEY_FORMAT');
	});

	test('is refused with CR LF throughout, for that is another message', () => {
		expect(open(signed.replaceAll('\n', '\r\n'))).toBe('E_SIGNATURE');
	});
});
