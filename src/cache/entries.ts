import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { entryPath } from './place.ts';

/** A file of the cache. */
export interface Entry {
	sha256: string;
	/** Bytes. */
	size: number;
	/** When it was last used, seconds since the epoch. */
	used: number;
	/** What it is called on its mirror, and the mirror's URL of it; null where that was lost. */
	name: string | null;
	from: string | null;
}

/** What a download that did not end left, or has so far. */
export interface Partial {
	/** Of the file it is to become. */
	sha256: string;
	path: string;
	size: number;
	used: number;
}

/** All that is in the cache. */
export interface Contents {
	/** The last used first. */
	entries: Entry[];
	partial: Partial[];
}

const Note = z.object({ name: z.string(), from: z.string() });
const HASH = /^[0-9a-f]{64}$/;

/** Looks at the cache; what vanishes meanwhile is left out. */
export async function contents(dir: string): Promise<Contents> {
	const found: Contents = { entries: [], partial: [] };
	for (const folder of await readdir(join(dir, 'sha256')).catch(() => [])) {
		for (const file of await readdir(join(dir, 'sha256', folder)).catch(() => [])) {
			const path = join(dir, 'sha256', folder, file);
			const sha256 = file.slice(0, 64);
			const seen = await stat(path).catch(() => undefined);
			if (!HASH.test(sha256) || seen?.isFile() !== true || file.endsWith('.json')) continue;
			const { size, mtimeMs } = seen;
			if (file === sha256) found.entries.push({ sha256, size, used: mtimeMs / 1000, ...(await noteOf(dir, sha256)) });
			else found.partial.push({ sha256, path, size, used: mtimeMs / 1000 });
		}
	}
	found.entries.sort((a, b) => b.used - a.used);
	return found;
}

async function noteOf(dir: string, sha256: string): Promise<Pick<Entry, 'name' | 'from'>> {
	try {
		return Note.parse(JSON.parse(await readFile(`${entryPath(dir, sha256)}.json`, 'utf8')));
	} catch {
		return { name: null, from: null };
	}
}
