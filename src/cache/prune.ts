import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { contents, type Entry } from './entries.ts';
import { claimed } from './in-use.ts';
import { entryPath } from './place.ts';

/** A partial file that nobody went on with for so long is given up. Seconds. */
const PARTIAL_AGE = 7 * 86_400;

/** Which entries of the cache go; those in use never do. */
export interface PruneRequest {
	dir: string;
	/** Bytes that may stay; the longest unused go first. */
	maxBytes?: number | undefined;
	/** Seconds without use after which an entry goes. */
	olderThan?: number | undefined;
	all?: boolean;
	/** Only tells what would go. */
	dryRun?: boolean;
}

/** What went, or would go. */
export interface Pruned {
	removed: Entry[];
	/** Partial files that went. */
	partial: number;
	/** Bytes, of entries and partial files. */
	freed: number;
	kept: number;
	/** Entries that would have gone but are in use now. */
	inUse: number;
}

/** Removes what the request names, and partial files that are old; never what a living process has claimed. */
export async function prune({ dir, maxBytes, olderThan, all = false, dryRun = false }: PruneRequest): Promise<Pruned> {
	const { entries, partial } = await contents(dir);
	const held = await claimed(dir);
	const now = Date.now() / 1000;
	if (!dryRun) await sweep(dir, now);
	const result: Pruned = { removed: [], partial: 0, freed: 0, kept: 0, inUse: 0 };
	for (const one of partial) {
		const old = all || now - one.used > Math.min(PARTIAL_AGE, olderThan ?? PARTIAL_AGE);
		if (old && !held.has(one.sha256)) {
			if (!dryRun) await rm(one.path, { force: true });
			result.partial++;
			result.freed += one.size;
		} else result.kept += one.size;
	}
	let over = maxBytes === undefined ? 0 : result.kept + entries.reduce((sum, { size }) => sum + size, 0) - maxBytes;
	for (const entry of entries.toReversed()) {
		const goes = all || over > 0 || (olderThan !== undefined && now - entry.used > olderThan);
		if (goes && !held.has(entry.sha256) && (dryRun || (await remove(dir, entry.sha256)))) {
			result.removed.push(entry);
			result.freed += entry.size;
			over -= entry.size;
		} else {
			if (goes) result.inUse++;
			result.kept += entry.size;
		}
	}
	return result;
}

/** What a prune that was killed had taken out of sight. */
async function sweep(dir: string, now: number): Promise<void> {
	for (const name of await readdir(dir).catch(() => [])) {
		const path = join(dir, name);
		if (!name.startsWith('gone.')) continue;
		// Another prune may be just about to remove it, or to put it back.
		const seen = await stat(path).catch(() => undefined);
		if (seen !== undefined && now - seen.ctimeMs / 1000 > 3600) await rm(path, { force: true });
	}
}

/** Taken out of sight first: who claimed it before that gets it back, who claims it later sees that it is gone. */
async function remove(dir: string, sha256: string): Promise<boolean> {
	const path = entryPath(dir, sha256);
	const aside = join(dir, `gone.${randomUUID()}`);
	try {
		await rename(path, aside);
	} catch {
		return false;
	}
	if ((await claimed(dir)).has(sha256)) {
		await rename(aside, path);
		return false;
	}
	await rm(aside, { force: true });
	await rm(`${path}.json`, { force: true });
	return true;
}
