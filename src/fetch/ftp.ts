import { PassThrough } from 'node:stream';
import { Client, FTPError } from 'basic-ftp';
import { notFound } from './mirror-errors.ts';
import type { Opened } from './source.ts';

/** RFC 959: the requested file is unavailable. */
const UNAVAILABLE = 550;

/**
 * Opens an ftp URL at `offset` bytes (REST); anonymous unless the URL names a user. The stream fails with E_NOT_FOUND where
 * the server has no such file, and after `stallMs` without a byte. Throws plain errors if the server cannot be reached.
 */
export async function openFtp(url: string, offset: number, stallMs: number, signal?: AbortSignal): Promise<Opened> {
	signal?.throwIfAborted();
	const client = await connect(url, stallMs);
	const path = pathOf(url);
	const size = await client.size(path).catch(() => null);
	const stream = new PassThrough();
	const stop = (): void => client.close();
	signal?.addEventListener('abort', stop, { once: true });
	stream.once('close', () => {
		signal?.removeEventListener('abort', stop);
		client.close();
	});
	client.downloadTo(stream, path, offset).catch((error: unknown) => {
		if (error instanceof FTPError && error.code === UNAVAILABLE) stream.destroy(notFound(url));
		else stream.destroy(error instanceof Error ? error : new Error(String(error)));
	});
	return { stream, size, offset };
}

/** Sizes of files of one server over one connection, in bytes, null where it does not tell. Mirrors limit connections per client. */
export async function ftpSizes(urls: readonly string[], stallMs: number): Promise<(number | null)[]> {
	const sizes: (number | null)[] = [];
	const [first] = urls;
	if (first === undefined) return sizes;
	const client = await connect(first, stallMs);
	try {
		for (const url of urls) sizes.push(client.closed ? null : await client.size(pathOf(url)).catch(() => null));
	} finally {
		client.close();
	}
	return sizes;
}

async function connect(url: string, stallMs: number): Promise<Client> {
	const parsed = new URL(url);
	const client = new Client(stallMs);
	try {
		await client.access({
			host: parsed.hostname.replace(/^\[|\]$/g, ''),
			port: Number(parsed.port || 21),
			user: decodeURIComponent(parsed.username) || 'anonymous',
			password: decodeURIComponent(parsed.password) || 'guest',
		});
	} catch (error) {
		client.close();
		throw error;
	}
	return client;
}

function pathOf(url: string): string {
	return decodeURIComponent(new URL(url).pathname);
}
