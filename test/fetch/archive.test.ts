import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lookInside } from '../../src/fetch/archive.ts';
import { inPlace } from '../plan/make.ts';
import { HOSTILE, makeHostile } from './hostile.ts';

const TOPS = inPlace.sets.tops ?? [];
let dir: string;
beforeAll(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-archive-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function put(bytes: Buffer): string {
	const path = join(dir, 'set');
	writeFileSync(path, bytes);
	return path;
}

describe('an archive', () => {
	test.each(HOSTILE)('is looked into: $title', async (one) => {
		const { fault, skipped } = await lookInside(put(makeHostile(one)), TOPS);
		expect(skipped).toBeNull();
		if (one.says === null) expect(fault).toBeNull();
		else expect(fault).toMatch(new RegExp(one.says));
	});

	test('may hold anything at its top where nothing is known of that', async () => {
		const one = HOSTILE.find(({ title }) => title === 'a file of its own at the top');
		if (one !== undefined) expect(await lookInside(put(makeHostile(one)), null)).toEqual({ fault: null, skipped: null, members: 1 });
	});

	test('of many members takes no memory for each', async () => {
		const made = execFileSync(
			'bash',
			[
				'-c',
				'truncate -s 40M big; for n in 1 2 3 4 5; do echo ./usr/$n; done >names; mkdir -p usr; for n in 1 2 3 4 5; do ln big usr/$n; done; tar --hard-dereference -cf - -T names | gzip -1',
			],
			{
				cwd: dir,
				maxBuffer: 1 << 28,
			},
		);
		const path = put(made);
		global.gc?.();
		const before = process.memoryUsage().rss;
		let most = before;
		const timer = setInterval(() => {
			most = Math.max(most, process.memoryUsage().rss);
		}, 20);
		expect(await lookInside(path, TOPS)).toEqual({ fault: null, skipped: null, members: 5 });
		clearInterval(timer);
		expect(most - before).toBeLessThan(200 * 1024 * 1024);
	});

	test('is given up when told to', async () => {
		const stop = new AbortController();
		const look = lookInside(
			put(makeHostile({ title: '', make: ['head -c 5000000 /dev/urandom >x', 'tar -czf set.tgz x'], says: null })),
			null,
			stop.signal,
		);
		stop.abort(new Error('enough'));
		await expect(look).rejects.toThrow('enough');
	});
});

describe.skipIf(!existsSync('/usr/bin/xz'))('an archive of xz (needs xz)', () => {
	const xz = (bytes: Buffer, ...args: string[]): Buffer => execFileSync('xz', ['-c', ...args], { input: bytes, maxBuffer: 1 << 28 });
	const tar = (): Buffer =>
		gunzipSync(makeHostile({ title: '', make: ['mkdir usr', 'head -c 50000 /dev/urandom >usr/x', 'tar -czf set.tgz ./usr'], says: null }));

	test.each([
		['as FreeBSD makes it', []],
		['of the highest preset', ['-9e']],
		['of crc32', ['--check=crc32']],
		['of several blocks', ['--block-size=10000']],
	])('is read %s', async (_name, args) => {
		expect(await lookInside(put(xz(tar(), ...args)), TOPS)).toEqual({ fault: null, skipped: null, members: 2 });
	});

	test('is told as not looked at where its check cannot be seen', async () => {
		expect(await lookInside(put(xz(tar(), '--check=sha256')), TOPS)).toMatchObject({
			fault: null,
			skipped: expect.stringContaining('xz -t'),
		});
	});

	test.each<[string, (bytes: Buffer) => Buffer]>([
		['cut off', (bytes) => bytes.subarray(0, 30_000)],
		['without its last bytes', (bytes) => bytes.subarray(0, -4)],
		[
			'with a bit changed',
			(bytes) => Buffer.concat([bytes.subarray(0, 20_000), Buffer.from([(bytes[20_000] ?? 0) ^ 1]), bytes.subarray(20_001)]),
		],
		['with bytes after it', (bytes) => Buffer.concat([bytes, Buffer.from('garbage!')])],
	])('is refused %s', async (_name, spoil) => {
		expect((await lookInside(put(spoil(xz(tar()))), TOPS)).fault).toMatch(/does not unpack|cut off/);
	});

	test.each(HOSTILE.filter(({ says }) => says?.includes('tree') === true))('is refused: $title', async (one) => {
		expect((await lookInside(put(xz(gunzipSync(makeHostile(one)))), TOPS)).fault).toMatch(new RegExp(one.says ?? ''));
	});
});
