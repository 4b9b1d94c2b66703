import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { PassThrough, type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { BsdupError } from '../errors.ts';
import { httpSize, openHttp } from './http.ts';
import { bare, notFound, unreachable } from './mirror-errors.ts';
import { PATIENCE, type Patience, pour } from './watch.ts';

export { bare } from './mirror-errors.ts';

/** What is wanted of a file: bytes `start` up to `end` (left out = to its end). */
export interface Wanted {
	start: number;
	end?: number;
	/** Milliseconds for each step until the first byte. */
	stallMs: number;
	signal?: AbortSignal;
}

/** A file being read. */
export interface Opened {
	stream: Readable;
	/** Bytes of the whole file, where the source tells. */
	size: number | null;
	/** Where the stream really starts: 0 if the source cannot start later. */
	offset: number;
	/** The source gave what was asked; false = it knows no ranges. It may send more than was wanted, never less. */
	ranged: boolean;
	/** Changes when the file does, where the source tells; null = it does not. */
	validator: string | null;
	/** It is told to be an HTML page. */
	page: boolean;
}

/** HEAD requests at once. */
const ASKING = 8;

/**
 * Opens a URL (http, https, ftp, file) or a path. Throws E_NOT_FOUND, Crowded or plain errors; a stream that breaks later fails
 * with whatever broke it, or with E_NOT_FOUND (an FTP server tells only then). Nobody watches the stream: see `watched`.
 */
export async function openRange(url: string, wanted: Wanted): Promise<Opened> {
	wanted.signal?.throwIfAborted();
	const opened = await openAny(url, wanted);
	// A stream may break before its reader listens; the reader gets the error anyway, this only keeps the program alive.
	opened.stream.on('error', () => {});
	return opened;
}

/**
 * Opens a URL or a path at `offset` bytes; the stream fails where it is silent for `stallMs` or too slow. Throws E_NOT_FOUND or
 * E_MIRROR_UNREACHABLE.
 */
export async function openSource(url: string, offset = 0, signal?: AbortSignal, stallMs = PATIENCE.stallMs): Promise<Opened> {
	try {
		const opened = await openRange(url, { start: offset, stallMs, ...(signal === undefined ? {} : { signal }) });
		const stream = new PassThrough();
		stream.on('error', () => {}).on('close', () => opened.stream.destroy());
		pour(opened.stream, { ...PATIENCE, stallMs }, (piece) => stream.write(piece) || once(stream, 'drain').then(() => true)).then(
			() => stream.end(),
			(error: Error) => stream.destroy(error),
		);
		return { ...opened, stream };
	} catch (cause) {
		signal?.throwIfAborted();
		throw unreachable(url, cause);
	}
}

/** Sizes in bytes without reading the files, in the order of `urls` (all of one mirror); null where the source does not tell. */
export async function sizesOf(urls: readonly string[]): Promise<(number | null)[]> {
	if (urls[0]?.startsWith('ftp:') === true) return await (await byFtp()).ftpSizes(urls, PATIENCE.stallMs).catch(() => urls.map(() => null));
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
		if (/^https?:/.test(url)) return await httpSize(url, PATIENCE.stallMs);
		if (url.startsWith('ftp:')) return (await (await byFtp()).ftpSizes([url], PATIENCE.stallMs))[0] ?? null;
		return (await stat(pathOf(url))).size;
	} catch {
		return null;
	}
}

/** FTP's client is loaded where a mirror needs it: it costs 3 MiB. */
const byFtp = (): Promise<typeof import('./ftp.ts')> => import('./ftp.ts');

/** Reads a small file whole. Throws as openSource, E_TOO_LARGE beyond `limit` bytes. */
export async function readAll(url: string, limit = 1 << 20, patience: Patience = PATIENCE): Promise<Buffer> {
	const parts: Buffer[] = [];
	let length = 0;
	try {
		const { stream, size } = await openRange(url, { start: 0, stallMs: patience.stallMs });
		await pour(stream, patience, (part) => {
			length += part.length;
			parts.push(part);
			return length <= limit;
		});
		if (length > limit)
			throw new BsdupError({
				code: 'E_TOO_LARGE',
				message: `${bare(url)} is larger than ${limit} bytes`,
				next: ['choose another --mirror'],
			});
		if (size !== null && length < size) throw new Error(`it broke off after ${length} of ${size} bytes`);
	} catch (cause) {
		throw unreachable(url, cause);
	}
	return Buffer.concat(parts);
}

async function openAny(url: string, wanted: Wanted): Promise<Opened> {
	if (/^https?:/.test(url)) return await openHttp(url, wanted);
	if (url.startsWith('ftp:')) return await (await byFtp()).openFtp(url, wanted);
	const path = pathOf(url);
	const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
		throw error.code === 'ENOENT' || error.code === 'ENOTDIR' ? notFound(url) : error;
	});
	if (!found.isFile()) throw new Error('it is no plain file');
	const { start, end, signal } = wanted;
	const stream = createReadStream(path, {
		start,
		highWaterMark: 256 << 10,
		...(end === undefined ? {} : { end: end - 1 }),
		...(signal === undefined ? {} : { signal }),
	});
	return { stream, size: found.size, offset: start, ranged: true, validator: `${found.mtimeMs} ${found.ino}`, page: false };
}

function pathOf(url: string): string {
	return url.startsWith('file:') ? fileURLToPath(url) : url;
}
