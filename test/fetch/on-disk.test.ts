import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type * as Fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

/** What reached the disk or got a name, in order. */
const told = vi.hoisted((): string[] => []);
vi.mock('node:fs/promises', async (original) => {
	const fs = await original<typeof Fs>();
	const open: typeof Fs.open = async (path, ...rest) => {
		const handle = await fs.open(path, ...rest);
		for (const sync of ['sync', 'datasync'] as const) {
			const real = handle[sync].bind(handle);
			handle[sync] = async () => {
				await real();
				told.push(`on disk: ${basename(String(path))}`);
			};
		}
		return handle;
	};
	const rename: typeof Fs.rename = async (from, to) => {
		await fs.rename(from, to);
		told.push(`named: ${basename(String(to))}`);
	};
	return { ...fs, open, rename, default: fs };
});
const { PartFile } = await import('../../src/fetch/part-file.ts');
const { withLock } = await import('../../src/fetch/file-lock.ts');
const { claim } = await import('../../src/cache/in-use.ts');

let dir: string;
beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-on-disk-'));
	told.length = 0;
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('what is fetched', () => {
	test('is on the disk before it has its name, and the name before it is told as fetched; so is the map of what is there', async () => {
		const part = await PartFile.open(join(dir, 'bsd'), createHash('sha256').update('x').digest('hex'));
		await part.write(0, [Buffer.from('x')]);
		await part.finish(1);
		expect(told).toEqual([
			'on disk: bsd.part.map.new',
			'named: bsd.part.map',
			'on disk: bsd.part',
			'named: bsd',
			`on disk: ${basename(dir)}`,
		]);
	});
});

describe('who uses a file', () => {
	test('says so under a name that never is there half written', async () => {
		await withLock(join(dir, 'bsd.part.lock'), new AbortController().signal, async () => {
			expect(told).toEqual([expect.stringMatching(/^named: bsd\.part\.lock\.[0-9a-f]{12}$/)]);
		});
		const letGo = await claim(dir, []);
		expect(told[1]).toBe(`named: ${readdirSync(join(dir, 'in-use'))[0]}`);
		await letGo();
	});
});
