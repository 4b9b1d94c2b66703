import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contents } from '../../src/cache/entries.ts';
import { fill, take } from '../../src/cache/fill.ts';
import { claim, claimed } from '../../src/cache/in-use.ts';
import { cacheDir, entryPath } from '../../src/cache/place.ts';
import { prune } from '../../src/cache/prune.ts';

let dir: string;
beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-cache-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const DAY = 86_400;
/** Puts `size` bytes into the cache, last used so many days ago; gives their hash. */
function put(size: number, days = 0, name = 'base78.tgz'): string {
	const bytes = Buffer.alloc(size, `${size}`);
	const sha256 = createHash('sha256').update(bytes).digest('hex');
	const path = entryPath(dir, sha256);
	mkdirSync(dirname(path), { recursive: true });
	writeFileSync(path, bytes);
	writeFileSync(`${path}.json`, JSON.stringify({ name, from: `http://mirror.example/7.8/amd64/${name}` }));
	age(path, days);
	return sha256;
}
function age(path: string, days: number): void {
	const then = Date.now() / 1000 - days * DAY;
	utimesSync(path, then, then);
}
const there = (sha256: string): boolean => existsSync(entryPath(dir, sha256));

test('the cache is where BSDUP_CACHE says, else where XDG says, else in the home', () => {
	expect(cacheDir({ BSDUP_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
	expect(cacheDir({ XDG_CACHE_HOME: '/b' })).toBe('/b/bsdup');
	expect(cacheDir({})).toMatch(/\/\.cache\/bsdup$/);
});

/** The number of a process that has ended. */
async function endedPid(): Promise<number> {
	const child: ChildProcess = spawn('true');
	await new Promise((resolve) => child.once('exit', resolve));
	return child.pid ?? 0;
}

describe('taking from the cache', () => {
	test('gives what is there and right, and notes the use', async () => {
		const sha256 = put(100, 5);
		expect(await take(dir, sha256)).toBe(entryPath(dir, sha256));
		expect(Date.now() - statSync(entryPath(dir, sha256)).mtimeMs).toBeLessThan(DAY * 1000);
		expect(await take(dir, '0'.repeat(64))).toBeNull();
	});

	test('drops what is damaged', async () => {
		const sha256 = put(100);
		writeFileSync(entryPath(dir, sha256), 'x');
		let told = 0;
		expect(await take(dir, sha256, () => told++)).toBeNull();
		expect([told, there(sha256)]).toEqual([1, false]);
	});

	test('sends a password to its own mirror, and notes none', async () => {
		const heard: (string | undefined)[] = [];
		const server = createServer((request, response) => {
			heard.push(request.headers.authorization);
			response.end('the file');
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const top = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		const sha256 = createHash('sha256').update('the file').digest('hex');
		const file = { name: 'bsd', urls: [`${top}/7.8/bsd`], sha256, size: 8 };
		await fill({ dir, files: [file], logins: [top.replace('//', '//me:secret@')], via: {} });
		server.closeAllConnections();
		server.close();
		expect(new Set(heard)).toEqual(new Set([`Basic ${Buffer.from('me:secret').toString('base64')}`]));
		expect((await contents(dir)).entries[0]?.from).toBe(`${top}/7.8/bsd`);
	});

	test('by several at once fetches each file once whole', async () => {
		const source = join(dir, 'source');
		writeFileSync(source, 'the file');
		const sha256 = createHash('sha256').update('the file').digest('hex');
		const file = { name: 'source', urls: [source], sha256, size: 8 };
		await Promise.all([1, 2, 3].map(() => fill({ dir, files: [file], logins: [], via: {} })));
		expect((await contents(dir)).entries).toMatchObject([{ sha256, size: 8, name: 'source', from: source }]);
	});
});

describe('pruning', () => {
	test('to a size takes the longest unused first', async () => {
		const [old, middle, young] = [put(300, 9), put(200, 5), put(100, 1)];
		expect(await prune({ dir, maxBytes: 299 })).toMatchObject({ freed: 500, kept: 100 });
		expect([old, middle, young].map(there)).toEqual([false, false, true]);
		expect(existsSync(`${entryPath(dir, old)}.json`)).toBe(false);
	});

	test('by age, or of all, or only told', async () => {
		const [old, young] = [put(300, 31), put(100, 1)];
		expect((await prune({ dir, olderThan: 30 * DAY, dryRun: true })).removed.map(({ sha256 }) => sha256)).toEqual([old]);
		expect([old, young].map(there)).toEqual([true, true]);
		await prune({ dir, olderThan: 30 * DAY });
		expect([old, young].map(there)).toEqual([false, true]);
		expect((await prune({ dir, all: true })).removed.length).toBe(1);
		expect(await contents(dir)).toEqual({ entries: [], partial: [] });
	});

	test('takes partial files when they are old, and counts them', async () => {
		const part = `${entryPath(dir, 'ab'.repeat(32))}.part`;
		mkdirSync(dirname(part), { recursive: true });
		writeFileSync(part, 'begun');
		expect(await prune({ dir, maxBytes: 0 })).toMatchObject({ partial: 0, kept: 5 });
		age(part, 8);
		expect(await prune({ dir, maxBytes: 1000 })).toMatchObject({ partial: 1, freed: 5, kept: 0 });
		expect(existsSync(part)).toBe(false);
	});

	test('leaves what a living process uses, its partial files too, until it lets go', async () => {
		const [used, free] = [put(300, 9), put(200, 9)];
		const part = `${entryPath(dir, used)}.part`;
		writeFileSync(part, 'begun');
		age(part, 30);
		const letGo = await claim(dir, [used]);
		expect(await prune({ dir, all: true })).toMatchObject({ inUse: 1 });
		expect([there(used), existsSync(part), there(free)]).toEqual([true, true, false]);
		await letGo();
		await prune({ dir, all: true });
		expect(there(used)).toBe(false);
	});

	test.each([
		['that died', async () => ({ pid: await endedPid() })],
		['whose number another has by now', async () => ({ start: '1' })],
		['of before the last boot', async () => ({ boot: 'another' })],
	])('forgets the claims of processes %s', async (_which, change) => {
		const used = put(300);
		const letGo = await claim(dir, [used]);
		const [file = ''] = readdirSync(join(dir, 'in-use'));
		const made = JSON.parse(readFileSync(join(dir, 'in-use', file), 'utf8'));
		expect(await claimed(dir)).toEqual(new Set([used]));
		writeFileSync(join(dir, 'in-use', file), JSON.stringify({ ...made, ...(await change()) }));
		expect(await claimed(dir)).toEqual(new Set());
		expect(readdirSync(join(dir, 'in-use'))).toEqual([]);
		await letGo();
	});

	test('gives back what was claimed while it went on', async () => {
		const hashes = Array.from({ length: 200 }, (_, index) => put(1000 + index, 200 - index));
		const [first = ''] = hashes;
		const last = hashes.at(-1) ?? '';
		const pruning = prune({ dir, all: true });
		while (there(first)) await new Promise((resolve) => setImmediate(resolve));
		const letGo = await claim(dir, [last]);
		const claimedInTime = there(last);
		await pruning;
		expect(there(last)).toBe(claimedInTime);
		await letGo();
	});

	test('beside users that claim, take and let go never takes what they hold', async () => {
		const hashes = [1, 2, 3, 4].map((n) => put(1000 + n));
		let pruning = true;
		const pruner = (async () => {
			while (pruning) await prune({ dir, all: true });
		})();
		for (let turn = 0; turn < 40; turn++) {
			const sha256 = hashes[turn % hashes.length] ?? '';
			const letGo = await claim(dir, [sha256]);
			if (!there(sha256)) put(1001 + (turn % hashes.length));
			for (let look = 0; look < 5; look++) {
				// What was claimed before it was seen stays; a prune that had it aside puts it back at once.
				if ((await take(dir, sha256)) === null) put(1001 + (turn % hashes.length));
			}
			expect(await take(dir, sha256)).not.toBeNull();
			await letGo();
		}
		pruning = false;
		await pruner;
	});
});
