import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { BsdupError } from '../errors.ts';
import { ftpSizes, openFtp } from './ftp.ts';
import { httpSize, openHttp } from './http.ts';
import { bare, notFound, unreachable } from './mirror-errors.ts';

export { bare } from './mirror-errors.ts';

/** A file being read. `size`: bytes of the whole file. `offset`: where the stream really starts, 0 if the source cannot start later. */
export interface Opened {
	stream: Readable;
	size: number | null;
	offset: number;
}

/** Milliseconds without a byte after which a source is given up. */
const STALL_MS = 30_000;
/** HEAD requests at once. */
const ASKING = 8;

/**
 * Opens a URL (http, https, ftp, file) or a path at `offset` bytes. Throws E_NOT_FOUND or E_MIRROR_UNREACHABLE; a stream
 * that breaks later fails with whatever broke it, or with E_NOT_FOUND (an FTP server tells only then).
 */
export async function openSource(url: string, offset = 0, signal?: AbortSignal, stallMs = STALL_MS): Promise<Opened> {
	try {
		const opened = await openAny(url, offset, stallMs, signal);
		// A stream may break before its reader listens; the reader gets the error anyway, this only keeps the program alive.
		opened.stream.on('error', () => {});
		return opened;
	} catch (cause) {
		signal?.throwIfAborted();
		throw unreachable(url, cause);
	}
}

/** Sizes in bytes without reading the files, in the order of `urls` (all of one mirror); null where the source does not tell. */
export async function sizesOf(urls: readonly string[]): Promise<(number | null)[]> {
	if (urls[0]?.startsWith('ftp:') === true) return await ftpSizes(urls, STALL_MS).catch(() => urls.map(() => null));
	const sizes: (number | null)[] = urls.map(() => null);
	const queue = [...urls.entries()];
	const worker = async (): Promise<void> => {
		for (let next = queue.shift(); next !== undefined; next = queue.shift()) sizes[next[0]] = await sizeOf(next[1]);
	};
	await Promise.all(Array.from({ length: ASKING }, worker));
	return sizes;
}

/** The size of one file, as sizesOf. */
export async function sizeOf(url: string): Promise<number | null> {
	try {
		if (/^https?:/.test(url)) return await httpSize(url, STALL_MS);
		if (url.startsWith('ftp:')) return (await ftpSizes([url], STALL_MS))[0] ?? null;
		return (await stat(pathOf(url))).size;
	} catch {
		return null;
	}
}

/** Reads a small file whole. Throws as openSource, E_TOO_LARGE beyond `limit` bytes. */
export async function readAll(url: string, limit = 1 << 20): Promise<Buffer> {
	const { stream, size } = await openSource(url);
	const parts: Buffer[] = [];
	let length = 0;
	try {
		for await (const part of stream as AsyncIterable<Buffer>) {
			length += part.length;
			if (length > limit)
				throw new BsdupError({
					code: 'E_TOO_LARGE',
					message: `${bare(url)} is larger than ${limit} bytes`,
					next: ['choose another --mirror'],
				});
			parts.push(part);
		}
		if (size !== null && length < size) throw new Error(`it broke off after ${length} of ${size} bytes`);
	} catch (cause) {
		throw unreachable(url, cause);
	}
	return Buffer.concat(parts);
}

async function openAny(url: string, offset: number, stallMs: number, signal?: AbortSignal): Promise<Opened> {
	if (/^https?:/.test(url)) return await openHttp(url, offset, stallMs, signal);
	if (url.startsWith('ftp:')) return await openFtp(url, offset, stallMs, signal);
	const path = pathOf(url);
	const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
		throw error.code === 'ENOENT' || error.code === 'ENOTDIR' ? notFound(url) : error;
	});
	if (!found.isFile()) throw new Error('it is no plain file');
	return { stream: createReadStream(path, { start: offset, ...(signal === undefined ? {} : { signal }) }), size: found.size, offset };
}

function pathOf(url: string): string {
	return url.startsWith('file:') ? fileURLToPath(url) : url;
}
