import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/** What `gzip -t` would say against a file, in one clause, or null if it unpacks to its end. Nothing is kept in memory or written. */
export async function gzipFault(path: string): Promise<string | null> {
	// An empty file passes a gunzip stream without an error.
	if ((await stat(path)).size === 0) return 'it is empty';
	const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
	try {
		await pipeline(createReadStream(path), createGunzip(), sink);
		return null;
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (code === 'Z_BUF_ERROR') return 'it is cut off';
		if (code?.startsWith('Z_') === true) return `it does not unpack: ${message}`;
		throw error;
	}
}
