import { createHash } from 'node:crypto';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { BsdupError } from '../errors.ts';
import { hashStart } from './hash.ts';
import { openSource } from './source.ts';

/**
 * Goes on with the partial file `part` from `url`, or begins it; returns the SHA256 (hex) of the whole, which may be the wrong one.
 * `expected`: bytes of the whole as told by the mirror, or null. Throws as openSource, E_WRITE where the disk refuses, and
 * a plain error where the transfer broke: then what came is kept.
 */
export async function append(
	url: string,
	part: string,
	expected: number | null,
	onBytes: (done: number) => void,
	signal: AbortSignal,
): Promise<string> {
	let there = (await stat(part).catch(() => undefined))?.size ?? 0;
	if (expected !== null && there > expected) {
		await rm(part, { force: true });
		there = 0;
	}
	// Hashed before the source is opened, so that no transfer stalls meanwhile.
	const begun = there > 0 ? await hashStart(part) : createHash('sha256');
	if (expected !== null && there === expected) return begun.digest('hex');
	const { stream, size, offset } = await openSource(url, there, signal);
	const hash = offset === there ? begun : createHash('sha256');
	let done = offset;
	const file = await open(part, offset > 0 ? 'r+' : 'w').catch((cause: unknown) => {
		stream.destroy();
		throw unwritable(part, cause);
	});
	try {
		for await (const chunk of stream as AsyncIterable<Buffer>) {
			await writeAt(file, part, chunk, done);
			hash.update(chunk);
			done += chunk.length;
			if (expected !== null && done > expected) throw new Error(`more than the ${expected} bytes told before came`);
			onBytes(done);
		}
		await file.datasync();
	} finally {
		await file.close();
		stream.destroy();
	}
	if (size !== null && done < size) throw new Error(`${done} of ${size} bytes came`);
	return hash.digest('hex');
}

async function writeAt(file: FileHandle, path: string, bytes: Buffer, position: number): Promise<void> {
	try {
		for (let done = 0; done < bytes.length; ) {
			const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
			done += bytesWritten;
		}
	} catch (cause) {
		throw unwritable(path, cause);
	}
}

function unwritable(path: string, cause: unknown): BsdupError {
	return new BsdupError({
		code: 'E_WRITE',
		message: `cannot write ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
		next: ['make room there, then try again: what is there is kept'],
		cause,
	});
}
