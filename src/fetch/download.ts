import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BsdupError } from '../errors.ts';
import { append } from './append.ts';
import { hashFile } from './hash.ts';
import { bare } from './mirror-errors.ts';

export { hashFile } from './hash.ts';

export interface DownloadRequest {
	/** `size`: bytes, or null where the mirror does not tell. */
	files: readonly {
		name: string;
		/** Where it ends up; left out = `dir`/`name`. */
		to?: string;
		/** The same file on every mirror, in the order of preference. */
		urls: readonly string[];
		sha256: string;
		size: number | null;
	}[];
	/** A folder that is there. */
	dir: string;
	/** Bytes of a file that are there, and bytes in all (null = not known). */
	onBytes?: (name: string, done: number, total: number | null, mirror: string) => void;
	/** What a person wants to know of a mirror, in one line. */
	onMirror?: (mirror: string, notice: string) => void;
	signal?: AbortSignal;
	/** Bytes a second for all files together; left out = no limit. */
	bandwidth?: number;
	/** Files at once; default 4. */
	parallel?: number;
}

/** Tries in a row that bring a file no further. */
const TRIES = 4;
/** Tries in all: a mirror that sends a little and breaks off, again and again, must not hold a run for ever. */
const MOST = 50;
/** Milliseconds before the next try; doubled after each that brought nothing. */
const PAUSE = 200;
/** Whole files with a wrong hash before the mirror is believed to hold a wrong file: the first may be a bad continuation. */
const WRONG = 2;

/**
 * Fetches files, largest first. What is there with the right hash is left alone; `NAME.part` is taken up where it broke; each file
 * is hashed as it comes and gets its name only when the hash is right. The first failure stops the others, whose parts are kept.
 * Throws E_HASH_MISMATCH, E_NOT_FOUND, E_FETCH, E_WRITE, or the signal's reason.
 */
export async function download(request: DownloadRequest): Promise<void> {
	const queue = [...request.files].sort((a, b) => (b.size ?? 0) - (a.size ?? 0));
	const stop = new AbortController();
	const signal = request.signal === undefined ? stop.signal : AbortSignal.any([request.signal, stop.signal]);
	const failures: unknown[] = [];
	const worker = async (): Promise<void> => {
		for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
			try {
				await fetchOne(file, request, signal);
			} catch (error) {
				failures.push(error);
				queue.length = 0;
				stop.abort();
			}
		}
	};
	await Promise.all(Array.from({ length: request.parallel ?? 4 }, worker));
	if (failures.length > 0) throw failures[0];
}

async function fetchOne(file: DownloadRequest['files'][number], request: DownloadRequest, signal: AbortSignal): Promise<void> {
	let failure: unknown;
	for (const url of file.urls) {
		try {
			return await fetchFrom({ ...file, url }, request, signal);
		} catch (error) {
			signal.throwIfAborted();
			if (error instanceof BsdupError && error.code === 'E_WRITE') throw error;
			failure = error;
			if (url !== file.urls.at(-1))
				request.onMirror?.(bare(url), `${file.name}: ${error instanceof Error ? error.message : String(error)}`);
		}
	}
	throw failure;
}

type OneFile = DownloadRequest['files'][number] & { url: string };

async function fetchFrom(file: OneFile, { dir, onBytes }: DownloadRequest, signal: AbortSignal): Promise<void> {
	const { name, url, sha256, size } = file;
	const final = file.to ?? join(dir, name);
	const part = `${final}.part`;
	if ((await hashFile(final)) === sha256) return onBytes?.(name, size ?? (await stat(final)).size, size, '');
	let cause: unknown;
	let wrong = 0;
	let reached = 0;
	let fruitless = 0;
	let tries = 0;
	while (tries < MOST && fruitless < TRIES) {
		signal.throwIfAborted();
		if (tries++ > 0) await sleep(PAUSE * 2 ** Math.max(0, fruitless - 1), undefined, { signal });
		const before = reached;
		try {
			const got = await append(
				url,
				part,
				size,
				(done) => {
					reached = Math.max(reached, done);
					onBytes?.(name, done, size, url);
				},
				signal,
			);
			if (got === sha256) return await rename(part, final);
			await rm(part, { force: true });
			if (++wrong === WRONG) throw mismatch(file, got);
			cause = mismatch(file, got);
		} catch (error) {
			signal.throwIfAborted();
			if (error instanceof BsdupError && LASTING.has(error.code)) throw error;
			cause = error;
		}
		fruitless = reached > before ? 0 : fruitless + 1;
	}
	throw new BsdupError({
		code: 'E_FETCH',
		message: `${bare(url)} broke off ${tries} times${cause instanceof Error ? `: ${cause.message}` : ''}`,
		next: ['try again: what is there is kept', 'choose another --mirror'],
		cause,
	});
}

/** What another try does not help against. */
const LASTING = new Set(['E_NOT_FOUND', 'E_HASH_MISMATCH', 'E_WRITE']);

function mismatch({ url, sha256 }: OneFile, got: string): BsdupError {
	return new BsdupError({
		code: 'E_HASH_MISMATCH',
		message: `${bare(url)} is not the file of the list: SHA256 ${got}, listed ${sha256}`,
		next: ['the mirror may be in the middle of an update: try later', 'choose another --mirror'],
	});
}
