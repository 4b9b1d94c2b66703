import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ResolveRequest, resolveTarget } from '../../src/fetch/resolve.ts';
import { openSignedGzip } from '../../src/fetch/zsig.ts';
import { publicKeyText, signedGzip } from '../lab/keys.ts';
import { makeSet, publish } from '../lab/mirror.ts';
import { inPlace } from '../plan/make.ts';
import { codeOf } from './code-of.ts';
import { canSignify } from './servers.ts';

const PATTERN = '^openbsd-([0-9]{2,3})-base\\.pub$';
const keyName = (number: string): string => `openbsd-${number}-base.pub`;
const keysOf = (...numbers: string[]): Record<string, string> =>
	Object.fromEntries(numbers.map((number) => [keyName(number), publicKeyText(number)]));
/** The keys as an archive, members named as sysupgrade asks for them. */
const archive = (...numbers: string[]): Buffer => {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-keys-'));
	for (const number of numbers) writeFileSync(join(dir, keyName(number)), publicKeyText(number));
	const bytes = execFileSync('tar', ['-czf', '-', '-C', dir, ...numbers.map(keyName)]);
	rmSync(dir, { recursive: true });
	return bytes;
};

let top: string;
let bundles: string;
beforeAll(() => {
	top = mkdtempSync(join(tmpdir(), 'bsdup-bundle-'));
	publish(join(top, 'mirror'), '7.8');
	bundles = join(top, 'mirror/signify');
	mkdirSync(bundles);
	mkdirSync(join(top, 'other'));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const { keyBundle, keyName: pattern, suffixFrom = '', release, snapshot = '', build = '' } = inPlace.mirror;
const request = (keys: Record<string, string>): ResolveRequest => ({
	...{ name: '7.8', arch: 'amd64', mirror: join(top, 'mirror'), keys },
	layout: {
		...{ release, snapshot, build, suffixFrom, lists: [{ file: 'SHA256.sig', signed: true }], keyName: pattern },
		kernels: ['bsd', 'bsd.mp', 'bsd.rd'],
		...(keyBundle === undefined ? {} : { keyBundle: { ...keyBundle, from: ['{{mirror}}/signify', join(top, 'other')] } }),
	},
});
const refused = (keys: Record<string, string>): Promise<string> =>
	resolveTarget(request(keys)).then(
		() => 'no error',
		(error: { code: string; message: string }) => `${error.code} ${error.message}`,
	);

describe('a list signed with a key that the host lacks', () => {
	test('is proven by a bundle that the second-newest key of the host signed', async () => {
		const bytes = signedGzip('76', archive('75', '76', '77', '78'));
		writeFileSync(join(bundles, 'sigbundle-76.tgz'), bytes);
		const target = await resolveTarget(request(keysOf('75', '76', '77')));
		expect(target.list.key).toBe('openbsd-78-base.pub');
		expect(target.keyBundle).toMatchObject({
			file: 'sigbundle-76.tgz',
			url: `${bundles}/sigbundle-76.tgz`,
			key: 'openbsd-76-base.pub',
			size: bytes.length,
		});
		expect((await resolveTarget(request(keysOf('76')))).keyBundle?.file).toBe('sigbundle-76.tgz');
		expect((await resolveTarget(request(keysOf('77', '78')))).keyBundle).toBeUndefined();
		rmSync(join(bundles, 'sigbundle-76.tgz'));
	});

	test('takes the newest by number, so that 100 comes after 99', async () => {
		writeFileSync(join(bundles, 'sigbundle-99.tgz'), signedGzip('99', archive('78')));
		expect((await resolveTarget(request(keysOf('98', '99', '100')))).keyBundle?.key).toBe('openbsd-99-base.pub');
		rmSync(join(bundles, 'sigbundle-99.tgz'));
	});

	test('has its bundle from elsewhere where the mirror has none, or one that is no good', async () => {
		const other = join(top, 'other/sigbundle-76.tgz');
		writeFileSync(other, signedGzip('76', archive('78')));
		expect((await resolveTarget(request(keysOf('76', '77')))).keyBundle?.url).toBe(other);
		writeFileSync(join(bundles, 'sigbundle-76.tgz'), '<html>');
		expect((await resolveTarget(request(keysOf('76', '77')))).keyBundle?.url).toBe(other);
		for (const path of [other, join(bundles, 'sigbundle-76.tgz')]) rmSync(path);
	});

	test.each<[string, () => Buffer | null, RegExp]>([
		['no bundle anywhere', () => null, /which the host does not hold; .*is not there; .*is not there$/],
		['a bundle that another key signed', () => signedGzip('75', archive('78')), /openbsd-75-base.pub.*it signed the bundle/],
		['a bundle that says an older key signed it', () => forged(), /the signature is wrong: it was made with another key/],
		['a bundle that nobody signed', () => archive('78'), /its header holds no signature/],
		['a bundle without the key', () => signedGzip('76', archive('77')), /the bundle does not hold it either/],
		[
			'a bundle that holds it elsewhere',
			() => signedGzip('76', makeSet([{ path: 'x/openbsd-78-base.pub', text: publicKeyText('78'), mode: 0o644 }])),
			/does not hold it/,
		],
		['a bundle with another key of that name', () => signedGzip('76', wrongKey()), /^E_SIGNATURE/],
		['a bundle that holds no archive', () => signedGzip('76', execFileSync('gzip', { input: 'text' })), /./],
		[
			'a bundle with a byte after it',
			() => Buffer.concat([signedGzip('76', archive('78')), Buffer.from('x')]),
			/it does not fit the archive/,
		],
	])('is refused with %s', async (_name, make, says) => {
		const bytes = make();
		if (bytes !== null) writeFileSync(join(bundles, 'sigbundle-76.tgz'), bytes);
		const said = await refused(keysOf('76', '77'));
		expect(said).toMatch(/^E_(KEY_UNKNOWN|SIGNATURE)/);
		expect(said).toMatch(says);
		rmSync(join(bundles, 'sigbundle-76.tgz'), { force: true });
	});

	test('is refused on a host without any key of that kind', async () => {
		expect(await refused({})).toMatch(/^E_KEY_UNKNOWN .*no older one that could vouch/);
		expect(await refused({ 'openbsd-76-pkg.pub': publicKeyText('76') })).toMatch(/no older one/);
	});
});

/** Signed with a key of the attacker's, said to be the host's. */
const forged = (): Buffer =>
	Buffer.from(signedGzip('75', archive('78')).toString('latin1').replace('verify with openbsd-75', 'verify with openbsd-76'), 'latin1');
const wrongKey = (): Buffer => {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-keys-'));
	writeFileSync(join(dir, keyName('78')), publicKeyText('79'));
	const bytes = execFileSync('tar', ['-czf', '-', '-C', dir, keyName('78')]);
	rmSync(dir, { recursive: true });
	return bytes;
};

describe('an archive signed in its header', () => {
	const open = (bytes: Buffer): string => codeOf(() => openSignedGzip(bytes, PATTERN, () => Buffer.from(publicKeyText('76'))));

	test('does not open with any one byte changed but in what the header does not sign', () => {
		const bytes = signedGzip('76', archive('77', '78'));
		expect(open(bytes)).toBe('no error');
		for (let at = 0; at < bytes.length; at++) {
			const inComment = at >= 10 + 'untrusted comment: verify with openbsd-'.length && at < bytes.indexOf('\n');
			// Time, hints and system of the packer; the number of a key is judged by whoever holds the keys.
			if ((at >= 4 && at < 10) || inComment) continue;
			const spoilt = Buffer.from(bytes);
			spoilt[at] = (spoilt[at] ?? 0) ^ 1;
			expect(open(spoilt), `byte ${at}`).toMatch(/^E_(SIGNATURE|KEY)/);
		}
	});

	test('does not open with a whole block less or more', () => {
		const block = 65_536;
		const body = randomBytes(3 * block);
		const bytes = signedGzip('76', Buffer.concat([Buffer.from('1f8b0800000000000003', 'hex'), body]));
		expect(open(bytes)).toBe('no error');
		expect(open(bytes.subarray(0, -block))).toBe('E_SIGNATURE');
		expect(open(Buffer.concat([bytes, body.subarray(-block)]))).toBe('E_SIGNATURE');
	});

	describe.skipIf(!canSignify)('beside signify itself', () => {
		const signify = (...args: string[]): string => execFileSync('/usr/bin/signify-openbsd', args, { encoding: 'utf8', stdio: 'pipe' });

		test.each([1, 65_536, 65_537, 200_000])('opens what signify -Sz signed, and signify what the lab signed: %i bytes', (size) => {
			const dir = join(top, 'z');
			mkdirSync(dir);
			signify('-G', '-n', '-p', join(dir, keyName('76')), '-s', join(dir, 'openbsd-76-base.sec'));
			execFileSync('bash', ['-c', `head -c ${size} /dev/urandom | gzip -n >plain.gz`], { cwd: dir });
			execFileSync('/usr/bin/signify-openbsd', ['-Sz', '-s', 'openbsd-76-base.sec', '-m', 'plain.gz', '-x', 'signed.gz'], { cwd: dir });
			const { gzip, key } = openSignedGzip(readFileSync(join(dir, 'signed.gz')), PATTERN, () => readFileSync(join(dir, keyName('76'))));
			expect(key).toBe(keyName('76'));
			expect(execFileSync('gzip', ['-dc'], { input: gzip, maxBuffer: 1 << 24 })).toEqual(
				execFileSync('gzip', ['-dc', join(dir, 'plain.gz')], { maxBuffer: 1 << 24 }),
			);
			writeFileSync(join(dir, 'lab.pub'), publicKeyText('76'));
			writeFileSync(join(dir, 'lab.gz'), signedGzip('76', readFileSync(join(dir, 'plain.gz'))));
			signify('-Vz', '-q', '-p', join(dir, 'lab.pub'), '-x', join(dir, 'lab.gz'), '-m', join(dir, 'lab.out'));
			rmSync(dir, { recursive: true });
		});
	});
});
