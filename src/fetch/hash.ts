import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** Bytes read at once: large enough for the speed of the hash, small enough that two of them are nothing. */
const PIECE = 1 << 20;

/** SHA256 (hex) of a file, or null if it is not there. Other errors of the disk pass. */
export async function hashFile(path: string): Promise<string | null> {
	let file: FileHandle;
	try {
		file = await open(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw error;
	}
	try {
		const hash = createHash('sha256');
		await hashRange(file, 0, Number.POSITIVE_INFINITY, hash);
		return hash.digest('hex');
	} finally {
		await file.close();
	}
}

/** Takes bytes `start` to `end` of a file (or to its end) into `hash`; reads the next piece while one is hashed. Returns where it stopped. */
export async function hashRange(file: FileHandle, start: number, end: number, hash: Hash): Promise<number> {
	const read = (buffer: Buffer, at: number) => file.read(buffer, 0, Math.min(buffer.length, end - at), at);
	const size = Math.min(PIECE, end - start);
	let [one, two] = [Buffer.allocUnsafe(size), Buffer.allocUnsafe(size)];
	let at = start;
	let next = read(one, at);
	for (;;) {
		const { bytesRead } = await next;
		if (bytesRead === 0) return at;
		at += bytesRead;
		if (at < end) next = read(two, at);
		hash.update(one.subarray(0, bytesRead));
		if (at >= end) return at;
		[one, two] = [two, one];
	}
}
