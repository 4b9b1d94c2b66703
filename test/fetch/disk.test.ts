import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { withLock } from '../../src/fetch/file-lock.ts';
import { PartFile } from '../../src/fetch/part-file.ts';
import { ROOT } from '../lab/root.ts';
import { canNginx, type NginxServer, serveNginx } from './servers.ts';
import { FetchWorld } from './world.ts';

const CHILD = join(ROOT, 'dist/test/fetch/child.js');
const SIZE = 1_500_000;
let world: FetchWorld;
let server: NginxServer;
beforeAll(async () => {
	world = new FetchWorld({ a: SIZE });
	const dir = world.mirror('mirror');
	if (canNginx) server = await serveNginx(dir);
});
afterAll(async () => {
	if (canNginx) await server.stop();
	world.remove();
});
beforeEach(() => world.empty());

/** Whether this machine mounts a disk of a given size. */
function mounted(dir: string, bytes: number): boolean {
	mkdirSync(dir, { recursive: true });
	return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir], { stdio: 'ignore' }).status === 0;
}
const canMount = (() => {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-mount-trial-'));
	const able = mounted(dir, 65536);
	if (able) execFileSync('umount', [dir]);
	rmSync(dir, { recursive: true });
	return able;
})();

describe('a full disk', () => {
	test.skipIf(!canMount)(
		'at any page ends with E_WRITE; with more room only the rest is fetched (needs root: a mount of its own)',
		async () => {
			const disk = join(world.top, 'disk');
			for (const pages of [1, 2, 3, 17, 100, 250, 366, 368]) {
				expect(mounted(disk, pages * 4096)).toBe(true);
				try {
					const full = await world.fetch([pathToFileURL(join(world.top, 'mirror')).href], { dir: disk });
					expect(full.code, `${pages} pages`).toBe('E_WRITE');
					expect(full.message).not.toContain('undefined');
					expect(existsSync(join(disk, 'a'))).toBe(false);
					execFileSync('mount', ['-o', `remount,size=${2 * SIZE}`, disk]);
					const { code } = await world.fetch([pathToFileURL(join(world.top, 'mirror')).href], { dir: disk });
					expect(code).toBe(null);
					expect(readFileSync(join(disk, 'a')).equals(world.bytes('a'))).toBe(true);
				} finally {
					execFileSync('umount', [disk]);
				}
			}
		},
	);

	test.skipIf(!canNginx)('at any byte: what was fetched before is not fetched again (needs nginx, as root)', async () => {
		const request = join(world.top, 'request.json');
		writeFileSync(request, JSON.stringify({ files: world.files(server.url), dir: world.to }));
		for (const limit of [777_777, 1_222_223, SIZE - 1]) {
			// The kernel refuses writes beyond it (EFBIG); Node ignores the signal that comes with that.
			const child = spawn('prlimit', [`--fsize=${limit}`, process.execPath, CHILD, request], { stdio: ['ignore', 'pipe', 'inherit'] });
			let said = '';
			child.stdout.on('data', (text) => {
				said += text;
			});
			await once(child, 'close');
			expect(said).toContain('E_WRITE');
			expect(existsSync(join(world.to, 'a'))).toBe(false);
		}
		const before = server.served().length;
		expect((await world.fetch([server.url])).code).toBe(null);
		expect(world.wrong(true)).toEqual([]);
		const rest = server.served().slice(before);
		expect(rest.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(300_000);
	});
});

describe('two downloads of one file', () => {
	test.skipIf(!canNginx)('at once: the second waits and then finds it there (needs nginx, as root)', async () => {
		const before = server.served().length;
		const both = await Promise.all([world.fetch([server.url]), world.fetch([server.url]), world.fetch([server.url])]);
		expect(both.map(({ code, message }) => [code, message])).toEqual(both.map(() => [null, '']));
		expect(world.wrong(true)).toEqual([]);
		expect(world.litter()).toEqual([]);
		expect(
			server
				.served()
				.slice(before)
				.reduce((sum, { bytes }) => sum + bytes, 0),
		).toBe(SIZE);
	});

	test('by programs of which one is killed: the other goes on at once', async () => {
		const lock = join(world.to, 'a.part.lock');
		const program = `
			import { withLock } from ${JSON.stringify(join(ROOT, 'dist/src/fetch/file-lock.js'))};
			await withLock(${JSON.stringify(lock)}, new AbortController().signal, () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)); });`;
		const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
		await once(child.stdout, 'data');
		let got = false;
		const waiting = withLock(lock, AbortSignal.timeout(60_000), async () => {
			got = true;
		});
		// It is held: whoever gives up does not get it.
		await expect(withLock(lock, AbortSignal.timeout(300), async () => {})).rejects.toThrow();
		expect(got).toBe(false);
		child.kill('SIGKILL');
		await waiting;
		expect(got).toBe(true);
		expect(world.litter()).toEqual([]);
	});

	test('never have a lock at the same time', async () => {
		let inside = 0;
		let most = 0;
		const one = () =>
			withLock(join(world.to, 'x'), AbortSignal.timeout(60_000), async () => {
				most = Math.max(most, ++inside);
				await new Promise((resolve) => setTimeout(resolve, 2));
				inside--;
			});
		await Promise.all(Array.from({ length: 8 }, one));
		expect(most).toBe(1);
	});

	test('with a lock of another machine says whose it is and what to type', async () => {
		writeFileSync(join(world.to, 'a.part.lock.0123456789ab'), 'elsewhere\n/tmp/s\n');
		const { code, message } = await world.fetch([join(world.top, 'mirror')]);
		expect({ code, message }).toEqual({ code: 'E_LOCKED', message: expect.stringContaining('elsewhere') });
	});
});

describe('a part', () => {
	const mirror = () => join(world.top, 'mirror');
	const path = () => join(world.to, 'a.part');

	test('with a map that is torn, of another file, or of bytes that never reached the disk gives a right file', async () => {
		const hash = world.files('x')[0]?.sha256;
		const head = `bsdup-part 1 ${hash}\n`;
		for (const [map, bytes] of [
			[`${head}0 500000\n700000 8000`, world.bytes('a')],
			[`${head}0 500000\n`, world.bytes('a').subarray(0, 1000)],
			[`bsdup-part 1 ${'0'.repeat(64)}\n0 ${SIZE}\n`, world.bytes('a')],
			[`${head}0 ${SIZE}\n`, Buffer.alloc(SIZE)],
			['', world.bytes('a')],
			['\0\0\0\0', Buffer.alloc(10)],
		] as const) {
			world.empty();
			writeFileSync(path(), bytes);
			writeFileSync(`${path()}.map`, map);
			const { code } = await world.fetch([mirror()]);
			expect(code, JSON.stringify(map)).toBe(null);
			expect(world.wrong(true)).toEqual([]);
			expect(world.litter()).toEqual([]);
		}
	});

	test('longer than the file is cut when the beginning is right', async () => {
		writeFileSync(path(), Buffer.concat([world.bytes('a'), Buffer.alloc(1000)]));
		expect((await world.fetch([mirror()])).code).toBe(null);
		expect(statSync(join(world.to, 'a')).size).toBe(SIZE);
		expect(world.wrong(true)).toEqual([]);
	});

	test('keeps what was noted when it is opened again', async () => {
		const one = await PartFile.open(join(world.to, 'a'), 'h');
		await one.write(10, [Buffer.from('hello'), Buffer.from('world')]);
		await one.note(10, 20);
		await one.write(30, [Buffer.from('lost')]);
		await one.close();
		const two = await PartFile.open(join(world.to, 'a'), 'h');
		expect(two.have.list).toEqual([{ start: 10, end: 20 }]);
		await two.discard();
		await two.close();
		const three = await PartFile.open(join(world.to, 'a'), 'h');
		expect(three.have.list).toEqual([]);
		await three.close();
	});
});
