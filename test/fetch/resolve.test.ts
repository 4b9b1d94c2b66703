import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download } from '../../src/fetch/download.ts';
import { type ResolveRequest, resolveTarget } from '../../src/fetch/resolve.ts';
import { publicKeyText } from '../lab/keys.ts';
import { type Mirror, publish, serveMirror } from '../lab/mirror.ts';

let dir: string;
let mirror: Mirror;
beforeAll(async () => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-resolve-'));
	publish(dir, '7.8');
	publish(dir, '7.9-beta');
	mirror = await serveMirror(dir);
});
afterAll(async () => {
	await mirror.stop();
	rmSync(dir, { recursive: true, force: true });
});

const layout = {
	release: '{{version}}/{{arch}}',
	snapshot: 'snapshots/{{arch}}',
	lists: [{ file: 'SHA256.sig', signed: true }],
	keyName: '^openbsd-[0-9]{2,3}-base\\.pub$',
	suffixFrom: '^base([0-9]{2,3})\\.tgz$',
	build: 'BUILDINFO',
	kernels: ['bsd', 'bsd.mp', 'bsd.rd'],
};
const keys = Object.fromEntries(['78', '79'].map((number) => [`openbsd-${number}-base.pub`, publicKeyText(number)]));
const request = (change: Partial<ResolveRequest> = {}): ResolveRequest => ({
	name: '7.8',
	arch: 'amd64',
	mirror: mirror.url,
	keys,
	layout,
	...change,
});
const codeOf = (work: Promise<unknown>): Promise<string> =>
	work.then(
		() => 'no error',
		(error: { code?: string }) => error.code ?? String(error),
	);

/** Runs with a spoilt copy of a mirror file, then mends it. */
async function spoilt<T>(file: string, spoil: (path: string) => void, work: () => Promise<T>): Promise<T> {
	const path = join(dir, file);
	const whole = readFileSync(path);
	spoil(path);
	try {
		return await work();
	} finally {
		writeFileSync(path, whole);
	}
}

describe('resolving a target', () => {
	test('pins the verified list; suffix and version come from the list', async () => {
		expect(await resolveTarget(request())).toMatchObject({
			version: '7.8',
			suffix: '78',
			list: { key: 'openbsd-78-base.pub' },
			build: 1_760_000_000,
		});
		expect(await resolveTarget(request({ name: 'snapshot' }))).toMatchObject({ version: '7.9', suffix: '79', kind: 'snapshot' });
	});

	test.each([
		['the words of its secret key alone', 'signature from openbsd 7.8 base secret key'],
		['its key with the directory of keys', 'verify with /etc/signify/openbsd-78-base.pub'],
	])('takes a list whose first line tells %s, as those of old releases do', async (_what, comment) => {
		const spoil = (path: string): void => {
			writeFileSync(path, readFileSync(path, 'utf8').replace('verify with openbsd-78-base.pub', comment));
		};
		const asked = request({ layout: { ...layout, key: 'openbsd-{{suffix}}-base.pub' } });
		await spoilt('7.8/amd64/SHA256.sig', spoil, async () => {
			expect((await resolveTarget(asked)).list.key).toBe('openbsd-78-base.pub');
			const other = { ...keys, 'openbsd-78-base.pub': publicKeyText('77') };
			expect(await codeOf(resolveTarget({ ...asked, keys: other }))).toBe('E_SIGNATURE');
		});
	});

	test.each<[string, Partial<ResolveRequest>, string]>([
		['a key the host does not hold', { keys: {} }, 'E_KEY_UNKNOWN'],
		['another key under that name', { keys: { 'openbsd-78-base.pub': publicKeyText('77') } }, 'E_SIGNATURE'],
		['an unreachable mirror', { mirror: 'http://127.0.0.1:9' }, 'E_MIRROR_UNREACHABLE'],
		['a release that is not there', { name: '9.9' }, 'E_NOT_FOUND'],
		['another architecture', { arch: 'arm64' }, 'E_NOT_FOUND'],
		['a mirror with syntax in its name', { mirror: 'http://x/$(touch /tmp/x)' }, 'E_MIRROR_URL'],
		['a mirror with a newline in its name', { mirror: 'http://x/\nrm' }, 'E_MIRROR_URL'],
	])('refuses %s', async (_name, change, code) => {
		expect(await codeOf(resolveTarget(request(change)))).toBe(code);
	});

	test('refuses a changed list, a page instead of a list, and a list of another version', async () => {
		const list = '7.8/amd64/SHA256.sig';
		const spoil = (change: (text: string) => string) =>
			spoilt(
				list,
				(path) => writeFileSync(path, change(readFileSync(path, 'utf8'))),
				() => codeOf(resolveTarget(request())),
			);
		expect(await spoil((text) => text.replace('base78', 'base79'))).toBe('E_SIGNATURE');
		expect(await spoil(() => '<html>not here</html>')).toBe('E_SIGNATURE_FORMAT');
		expect(await spoil(() => readFileSync(join(dir, 'snapshots/amd64/SHA256.sig'), 'utf8'))).toBe('E_LIST_VERSION');
	});

	test('names a mirror that mixes versions: sets of another suffix, or BUILDINFO of another build', async () => {
		const unsigned = {
			...layout,
			lists: [{ file: 'SHA256', signed: false }],
			sets: { file: '{{set}}{{suffix}}.tgz', names: ['base', 'man', 'comp'] },
		};
		const error = (work: () => Promise<unknown>) =>
			work().then(
				() => 'no error',
				(thrown: { code: string; message: string }) => `${thrown.code} ${thrown.message}`,
			);
		const resolve = () => error(() => resolveTarget(request({ layout: unsigned })));
		expect(await resolve()).toBe('no error');
		const list = '7.8/amd64/SHA256';
		const change = (from: string, to: string) => (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
		expect(await spoilt(list, change('man78', 'man79'), resolve)).toMatch(/^E_LIST_MIXED .*base of 78, but man79.tgz$/);
		expect(await spoilt(list, change('game78', 'game79'), resolve)).toBe('no error'); // no set of this system
		expect(await spoilt('7.8/amd64/BUILDINFO', (path) => writeFileSync(path, 'Build date: 1770000000 - practice\n'), resolve)).toMatch(
			/^E_HASH_MISMATCH .*mixes files of two builds \(this one is of 2026-02-02\)$/,
		);
	});

	test('refuses a list without base or without a kernel', async () => {
		const unsigned = { ...layout, lists: [{ file: 'SHA256', signed: false }] };
		const without = (pattern: RegExp) =>
			spoilt(
				'7.8/amd64/SHA256',
				(path) => writeFileSync(path, readFileSync(path, 'utf8').replace(pattern, '')),
				() => codeOf(resolveTarget(request({ layout: unsigned }))),
			);
		expect(await without(/.*base78.*\n/)).toBe('E_LIST_INCOMPLETE');
		expect(await without(/.*\(bsd(\.mp)?\).*\n/g)).toBe('E_LIST_INCOMPLETE');
	});
});

describe('downloading', () => {
	const files = async () => {
		const target = await resolveTarget(request());
		return target.files
			.filter((file) => /^(man|game)78/.test(file.name))
			.map((file) => ({ ...file, urls: [`${target.url}/${file.name}`] }));
	};
	const inFolder = async (work: (to: string) => Promise<void>): Promise<void> => {
		const to = mkdtempSync(join(tmpdir(), 'bsdup-download-'));
		await work(to).finally(() => rmSync(to, { recursive: true, force: true }));
	};

	test('takes what is missing, leaves what is there, goes on with a part', () =>
		inFolder(async (to) => {
			const wanted = await files();
			await download({ files: wanted, dir: to });
			const before = mirror.requests.length;
			await download({ files: wanted, dir: to });
			expect(mirror.requests.length).toBe(before);
			const whole = readFileSync(join(to, 'man78.tgz'));
			rmSync(join(to, 'man78.tgz'));
			writeFileSync(join(to, 'man78.tgz.part'), whole.subarray(0, 20));
			await download({ files: wanted, dir: to });
			expect(readFileSync(join(to, 'man78.tgz'))).toEqual(whole);
		}));

	test('gives a file that is not the listed one no name', () =>
		inFolder(async (to) => {
			const wanted = await files();
			const code = await spoilt(
				'7.8/amd64/man78.tgz',
				(path) => truncateSync(path, 30),
				() => codeOf(download({ files: wanted, dir: to })),
			);
			expect(code).toBe('E_HASH_MISMATCH');
			expect(() => readFileSync(join(to, 'man78.tgz'))).toThrow();
		}));
});
