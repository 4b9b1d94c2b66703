import { chmod, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type DownloadRequest, download } from '../fetch/download.ts';
import { hashFile } from '../fetch/hash.ts';
import { bare } from '../fetch/mirror-errors.ts';
import { withLogin } from '../fetch/mirror-url.ts';
import { makeDir } from '../make-dir.ts';
import { entryPath } from './place.ts';

type File = DownloadRequest['files'][number];

/** Files that the cache shall hold, and the mirrors they may come from. */
export interface FillRequest {
	dir: string;
	files: readonly File[];
	/** Tops of mirrors with user and password. */
	logins: readonly string[];
	/** Called with the files that have to come from a mirror, before the first does. */
	onMissing?: (files: readonly File[]) => void;
	/** Called with the name of each file whose copy in the cache was damaged. */
	onDamaged?: (name: string) => void;
	/** The rest of what download() takes. */
	via: Omit<DownloadRequest, 'files' | 'dir'>;
}

/**
 * The path of an entry that is there and right, or null. A damaged one is dropped; `onDamaged` hears of it. The use is noted, for
 * prune to take the longest unused first.
 */
export async function take(dir: string, sha256: string, onDamaged?: () => void): Promise<string | null> {
	const path = entryPath(dir, sha256);
	const got = await hashFile(path);
	if (got === null) return null;
	if (got !== sha256) {
		onDamaged?.();
		await rm(path, { force: true });
		return null;
	}
	const now = new Date();
	await utimes(path, now, now).catch(() => {});
	return path;
}

/** Brings into the cache what is not there, claimed before by `claim`. Throws as download. */
export async function fill({ dir, files, logins, onMissing, onDamaged, via }: FillRequest): Promise<void> {
	makeDir(dir, 0o700);
	const missing: File[] = [];
	for (const file of files) if ((await take(dir, file.sha256, () => onDamaged?.(file.name))) === null) missing.push(file);
	onMissing?.(missing);
	if (missing.length === 0) return;
	for (const { sha256 } of missing) makeDir(dirname(entryPath(dir, sha256)), 0o700);
	const wanted = missing.map((file) => ({
		...{ ...file, to: entryPath(dir, file.sha256) },
		urls: file.urls.map((url) => withLogin(url, logins)),
	}));
	try {
		await download({ ...via, files: wanted, dir });
	} finally {
		// Those that came before another failed are kept, and have their notes.
		for (const file of missing) await note(dir, file);
	}
}

async function note(dir: string, { name, sha256, urls }: File): Promise<void> {
	const path = entryPath(dir, sha256);
	if ((await stat(path).catch(() => undefined)) === undefined) return;
	await chmod(path, 0o600);
	await writeFile(join(dirname(path), `${sha256}.json`), JSON.stringify({ name, from: bare(urls[0] ?? '') }), { mode: 0o600 });
}
