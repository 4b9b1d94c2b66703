import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Config, ux } from '@oclif/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import VerifyCommand from '../../commands/verify.ts';
import { type VerifyReport, verifyDir } from '../../src/fetch/verify-dir.ts';
import { formatList } from '../fetch/format-list.ts';
import { publicKeyText, signedList } from '../lab/keys.ts';
import { makeSet } from '../lab/mirror.ts';
import { ROOT } from '../lab/root.ts';

const REAL = join(ROOT, 'test/fixtures/openbsd-7.6-amd64');
const xzOf = (bytes: Buffer): Buffer => execFileSync('xz', ['-c'], { input: bytes, maxBuffer: 1 << 24 });
const file = (path: string, text: string) => ({ path, text, mode: 0o644 });
const contents = new Map<string, Buffer>([
	['BUILDINFO', Buffer.from('Build date: 1760000000 - practice\n')],
	['base78.tgz', makeSet([file('bin/cat', 'x'.repeat(100_000)), file('etc/rc', '# rc\n')])],
	['man78.tgz', makeSet([file('usr/share/man/man1/ls.1', 'ls')])],
]);

let dir: string;
let key: string;
beforeEach(() => {
	dir = mkdtempSync('/tmp/bsdup-verify-');
	const keys = join(dir, 'keys');
	mkdirSync(keys);
	key = join(keys, 'openbsd-78-base.pub');
	writeFileSync(key, publicKeyText('78'));
	dir = join(dir, 'sets');
	mkdirSync(dir);
	for (const [name, bytes] of contents) writeFileSync(join(dir, name), bytes);
	writeFileSync(join(dir, 'SHA256.sig'), signedList('78', list()));
});
afterEach(() => {
	rmSync(join(dir, '..'), { recursive: true, force: true });
	vi.restoreAllMocks();
	process.exitCode = 0;
});

const list = (): string =>
	formatList(new Map([...contents].map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')])));

/** What a person gets: exit status, standard output and error; `json`: what --json prints. */
async function verify(...args: string[]): Promise<{ exit: number; out: string; err: string; json: unknown }> {
	const config = await Config.load(ROOT);
	const lines: string[] = [];
	const errors: string[] = [];
	vi.spyOn(VerifyCommand.prototype, 'log').mockImplementation((line) => void lines.push(line ?? ''));
	vi.spyOn(ux, 'stderr').mockImplementation((_format, line) => void errors.push(String(line ?? '')));
	let json: unknown;
	vi.spyOn(VerifyCommand.prototype, 'logJson' as 'log').mockImplementation((value: unknown) => {
		json = value;
	});
	process.exitCode = 0;
	let exit: number | undefined;
	try {
		await VerifyCommand.run(args, config);
	} catch (error) {
		exit = (error as { oclif?: { exit?: number } }).oclif?.exit;
		if (exit === undefined) throw error;
	}
	return { exit: exit ?? Number(process.exitCode), out: lines.join('\n'), err: errors.join('\n'), json };
}

describe('bsdup verify', () => {
	test('passes sets that are as listed and signed, and names the key', async () => {
		const { exit, out, err } = await verify(dir, '--key', key);
		expect({ exit, err }).toEqual({ exit: 0, err: '' });
		expect(out.split('\n')).toEqual([
			`SHA256.sig: signed with ${key}`,
			'BUILDINFO: right',
			'base78.tgz: right: whole, 2 members, each where sets have files',
			'man78.tgz: right: whole, 1 member, each where sets have files',
		]);
	});

	test('gives the terminal no control character of a name, as JSON neither', async () => {
		writeFileSync(join(dir, 'x\u009b2J.tgz'), contents.get('man78.tgz') ?? '');
		const told = vi.spyOn(console, 'log').mockImplementation(() => {});
		await VerifyCommand.run([dir, '--key', key, '--json'], await Config.load(ROOT));
		const text = told.mock.calls.join('\n');
		expect(text).not.toContain('\u009b');
		expect(JSON.parse(text).files.at(-1).name).toBe('x\u009b2J.tgz');
	});

	test('tells what is absent, and fails for it only with --all', async () => {
		rmSync(join(dir, 'man78.tgz'));
		const without = await verify(dir, '--key', key);
		expect(without.exit).toBe(0);
		expect(without.out).toContain('man78.tgz: absent');
		const all = await verify(dir, '--key', key, '--all');
		expect(all.exit).toBe(1);
		expect(all.err).toContain('1 of the listed files is absent');
	});

	test('fails for a set that is cut off, names it with both hashes and says why', async () => {
		truncateSync(join(dir, 'base78.tgz'), 60);
		const { exit, out } = await verify(dir, '--key', key);
		expect(exit).toBe(1);
		expect(out).toMatch(/^base78\.tgz: wrong: SHA256 [0-9a-f]{64}, listed [0-9a-f]{64}; it is cut off$/m);
		expect(out).toContain('man78.tgz: right');
	});

	test('fails for an archive that is cut off though no list knows it; a whole one is only told', async () => {
		const site = makeSet([file('install.site', 'echo site')]);
		writeFileSync(join(dir, 'site78.tgz'), site);
		expect(await verify(dir, '--key', key)).toMatchObject({
			exit: 0,
			out: expect.stringContaining('site78.tgz: unlisted: whole, 1 member'),
		});
		writeFileSync(join(dir, 'site78.tgz'), site.subarray(0, -4));
		expect(await verify(dir, '--key', key)).toMatchObject({ exit: 1, out: expect.stringContaining('not in the list; it is cut off') });
		writeFileSync(join(dir, 'site78.tgz'), '');
		expect(await verify(dir, '--key', key)).toMatchObject({ exit: 1, out: expect.stringContaining('not in the list; it is empty') });
		writeFileSync(join(dir, 'site78.tgz'), '<html>');
		expect(await verify(dir, '--key', key)).toMatchObject({ exit: 1, out: expect.stringContaining('it is neither gzip nor xz') });
	});

	test('looks at no file when the signature is wrong', async () => {
		writeFileSync(join(dir, 'SHA256.sig'), signedList('78', list()).replace('man78', 'nan78'));
		const { exit, out, err } = await verify(dir, '--key', key);
		expect(exit).toBe(1);
		expect(err).toContain('E_SIGNATURE');
		expect(out).toBe('');
	});

	test('refuses another key, and one that is not there', async () => {
		writeFileSync(key, publicKeyText('77'));
		expect(await verify(dir, '--key', key)).toMatchObject({ exit: 1, err: expect.stringContaining('E_SIGNATURE') });
		expect(await verify(dir, '--key', `${key}.none`)).toMatchObject({ exit: 2, err: expect.stringContaining('E_KEY_UNKNOWN') });
	});

	test('never takes a key that lies beside the sets', async () => {
		const number = '999';
		writeFileSync(join(dir, 'SHA256.sig'), signedList(number, list()));
		writeFileSync(join(dir, `openbsd-${number}-base.pub`), publicKeyText(number));
		const { exit, err } = await verify(dir);
		expect(exit).toBe(1);
		expect(err).toContain('E_KEY_UNKNOWN');
		expect(err).toContain(`/etc/signify/openbsd-${number}-base.pub`);
	});

	test('fails when none of the listed files is there, as with the real list alone', async () => {
		const alone = join(dir, 'alone');
		mkdirSync(alone);
		copyFileSync(join(REAL, 'SHA256.sig'), join(alone, 'SHA256.sig'));
		const { exit, out, err } = await verify(alone, '--key', join(REAL, 'openbsd-76-base.pub'));
		expect(exit).toBe(1);
		expect(out).toContain('base76.tgz: absent');
		expect(err).toContain('none of the listed files is there');
	});

	test('takes a list without a signature only when told to', async () => {
		rmSync(join(dir, 'SHA256.sig'));
		writeFileSync(join(dir, 'SHA256'), list());
		expect(await verify(dir)).toMatchObject({ exit: 1, err: expect.stringContaining('E_LIST_UNSIGNED') });
		expect(await verify(dir, '--unsigned')).toMatchObject({ exit: 0, out: expect.stringContaining('SHA256: not signed') });
		expect(await verify(dir, '--unsigned', '--key', key)).toMatchObject({ exit: 1 });
	});

	test('fails when the plain list beside the signed one says something else', async () => {
		writeFileSync(join(dir, 'SHA256'), list().replace('man78', 'game78'));
		expect(await verify(dir, '--key', key)).toMatchObject({ exit: 1, err: expect.stringContaining('SHA256 is not the list') });
	});

	test('fails when there is no list at all', async () => {
		rmSync(join(dir, 'SHA256.sig'));
		expect(await verify(dir)).toMatchObject({ exit: 1, err: expect.stringContaining('E_LIST_ABSENT') });
	});

	test('fails for a set with a member that would leave the tree, though its hash is right and signed', async () => {
		const evil = join(dir, '..', 'evil');
		mkdirSync(evil);
		writeFileSync(join(evil, 'x'), 'x');
		const set = execFileSync('tar', ['-czf', '-', '-C', evil, '--transform=s,x,../../etc/x,', '-P', 'x']);
		writeFileSync(join(dir, 'man78.tgz'), set);
		const listed = list().replace(/(?<=\(man78.tgz\) = ).*/, createHash('sha256').update(set).digest('hex'));
		writeFileSync(join(dir, 'SHA256.sig'), signedList('78', listed));
		const { exit, out } = await verify(dir, '--key', key);
		expect(exit).toBe(1);
		expect(out).toContain('man78.tgz: wrong: "../../etc/x" leaves the tree');
	});

	test('fails for a set with files where sets of that system have none', async () => {
		const set = makeSet([file('opt/x', 'x')]);
		writeFileSync(join(dir, 'man78.tgz'), set);
		const listed = list().replace(/(?<=\(man78.tgz\) = ).*/, createHash('sha256').update(set).digest('hex'));
		writeFileSync(join(dir, 'SHA256.sig'), signedList('78', listed));
		expect((await verify(dir, '--key', key)).out).toContain('man78.tgz: wrong: "./opt/x" is not where a set has files');
	});

	describe.skipIf(!existsSync('/usr/bin/xz'))('of a folder whose list nothing signs (needs xz)', () => {
		const own = join(ROOT, 'test/fixtures/freebsd-15.0-amd64/MANIFEST');
		const set = (): Buffer => xzOf(gunzipSync(makeSet([file('lib32/libc.so.7', 'x')])));
		/** The real list, with one set that is really there. */
		function folder(): { dist: string; trusted: string; text: string } {
			const dist = join(dir, 'dist');
			mkdirSync(dist);
			const bytes = set();
			const hash = createHash('sha256').update(bytes).digest('hex');
			const text = readFileSync(own, 'utf8').replace(/^lib32.txz\t[0-9a-f]+/m, `lib32.txz\t${hash}`);
			writeFileSync(join(dist, 'lib32.txz'), bytes);
			writeFileSync(join(dist, 'MANIFEST'), text);
			const trusted = join(dir, 'amd64-amd64-15.0-RELEASE');
			writeFileSync(trusted, text);
			return { dist, trusted, text };
		}

		test('takes a copy from elsewhere in place of a signature', async () => {
			const { dist, trusted } = folder();
			expect(await verify(dist)).toMatchObject({ exit: 1, err: expect.stringContaining('E_LIST_UNSIGNED') });
			const { exit, out } = await verify(dist, '--trusted-list', trusted);
			expect(exit).toBe(0);
			expect(out).toContain(`${trusted}: the copy that was said to be trusted`);
			expect(out).toContain('lib32.txz: right: whole, 1 member');
			expect(out).toContain('base.txz: absent');
			expect(await verify(dist, '--unsigned')).toMatchObject({ exit: 0, out: expect.stringContaining('MANIFEST: not signed') });
		});

		test('fails when the list beside the sets is another than the trusted one', async () => {
			const { dist, trusted, text } = folder();
			writeFileSync(join(dist, 'MANIFEST'), text.replace('1c36', '1c37'));
			const { exit, err } = await verify(dist, '--trusted-list', trusted);
			expect(exit).toBe(1);
			expect(err).toContain(`MANIFEST is not the list that ${trusted} holds`);
			writeFileSync(join(dist, 'lib32.txz'), xzOf(gunzipSync(makeSet([file('lib32/libc.so.7', 'y')]))));
			expect((await verify(dist, '--trusted-list', trusted)).out).toMatch(/lib32\.txz: wrong: SHA256 /);
		});

		test('finds an xz archive that is cut off', async () => {
			const { dist, trusted } = folder();
			truncateSync(join(dist, 'lib32.txz'), set().length - 9);
			const { exit, out } = await verify(dist, '--trusted-list', trusted);
			expect(exit).toBe(1);
			expect(out).toMatch(/lib32\.txz: wrong: SHA256 .*; it does not unpack/);
		});

		test.each([['--key', 'k'], ['--unsigned']])('takes no %s beside the copy, and none that is not there', async (...more) => {
			const { dist, trusted } = folder();
			expect((await verify(dist, '--trusted-list', trusted, ...more)).exit).toBe(2);
			expect((await verify(dist, '--trusted-list', `${trusted}.none`)).exit).toBe(2);
		});
	});

	test.each([[['/nonexistent']], [[]], [['--none', '.']]])('calls %j a mistake in usage', async (args) => {
		expect((await verify(...args)).exit).toBe(2);
	});

	test('gives the same as JSON', async () => {
		rmSync(join(dir, 'man78.tgz'));
		const { exit, json } = await verify(dir, '--key', key, '--all', '--json');
		expect(exit).toBe(1);
		const report = json as VerifyReport;
		expect(report.list).toEqual({ file: 'SHA256.sig', proof: 'signature', key });
		const blank = { detail: '', skipped: '', members: null };
		expect(report.files).toEqual([
			{ ...blank, name: 'BUILDINFO', state: 'right', checked: ['sha256'] },
			{ ...blank, name: 'base78.tgz', state: 'right', checked: ['sha256', 'archive', 'members', 'tops'], members: 2 },
			{ ...blank, name: 'man78.tgz', state: 'absent', checked: [] },
		]);
		expect(report.faults).toEqual(['1 of the listed files is absent']);
	});
});

describe('verifying a folder', () => {
	test.each(['78-pkg', '78-syspatch', '78-fw'])('refuses the key %s, which is not for sets', async (kind) => {
		const path = join(dir, '..', 'keys', `openbsd-${kind}.pub`);
		writeFileSync(path, publicKeyText('78'));
		writeFileSync(join(dir, 'SHA256.sig'), readFileSync(join(dir, 'SHA256.sig'), 'utf8').replace('openbsd-78-base', `openbsd-${kind}`));
		await expect(verifyDir({ dir, keyDir: join(dir, '../keys'), all: false, allowUnsigned: false, layouts: [] })).rejects.toMatchObject({
			code: 'E_KEY_NAME',
		});
	});

	test('finds the key that the list names among those of the machine, old names too', async () => {
		const keyDir = join(dir, '../keys');
		const request = { dir, keyDir, all: true, allowUnsigned: false, layouts: [] };
		expect((await verifyDir(request)).faults).toEqual([]);
		copyFileSync(key, join(keyDir, '55base.pub'));
		writeFileSync(join(dir, 'SHA256.sig'), signedList('78', list()).replace('openbsd-78-base', '55base'));
		expect((await verifyDir(request)).list.key).toBe(join(keyDir, '55base.pub'));
	});
});
