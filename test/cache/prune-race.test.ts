import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as InUse from '../../src/cache/in-use.ts';

const cell = vi.hoisted((): { afterLook?: () => Promise<void> } => ({}));
// What comes between a look at the claims and what is made of it.
vi.mock('../../src/cache/in-use.ts', async (original) => {
	const real = await original<typeof InUse>();
	const claimed = async (dir: string): Promise<Set<string>> => {
		const found = await real.claimed(dir);
		await cell.afterLook?.();
		return found;
	};
	return { ...real, claimed };
});

const { claim } = await import('../../src/cache/in-use.ts');
const { entryPath } = await import('../../src/cache/place.ts');
const { prune } = await import('../../src/cache/prune.ts');

let dir: string;
beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-prune-'));
});
afterEach(() => {
	delete cell.afterLook;
	rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

test.each([1, 2])('an entry that was claimed right after look %i of a prune, and was seen, stays', async (look) => {
	const hash = 'ab'.repeat(32);
	const path = entryPath(dir, hash);
	mkdirSync(dirname(path), { recursive: true });
	writeFileSync(path, 'set');
	writeFileSync(`${path}.json`, JSON.stringify({ name: 'base78.tgz', from: 'http://mirror.example/base78.tgz' }));
	let looks = 0;
	let seen: boolean | undefined;
	cell.afterLook = async () => {
		looks++;
		if (looks !== look) return;
		await claim(dir, [hash]);
		seen = existsSync(path);
	};
	await prune({ dir, all: true });
	expect([looks, seen]).toEqual([2, existsSync(path)]);
});

test('what another prune takes away meanwhile does not end this one', async () => {
	// Listed, and not there when it is looked at.
	symlinkSync(join(dir, 'nowhere'), join(dir, 'gone.1'));
	expect(await prune({ dir })).toMatchObject({ removed: [], freed: 0 });
});
