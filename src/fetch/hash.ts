import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** SHA256 (hex) of a file, or null if it is not there. Other errors of the disk pass. */
export async function hashFile(path: string): Promise<string | null> {
	try {
		return (await hashStart(path)).digest('hex');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw error;
	}
}

/** A hash that has taken in the whole file and can take more. */
export async function hashStart(path: string): Promise<Hash> {
	const hash = createHash('sha256');
	for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
	return hash;
}
