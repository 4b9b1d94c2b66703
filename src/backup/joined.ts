import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Volume } from './place.ts';

/**
 * The volumes of this machine as the one archive they are: the heads that `tar -M` gave the later ones are left out, so that any
 * GNU tar reads it from a pipe. `onBytes` hears how much went out.
 */
export function joined(dir: string, volumes: readonly Volume[], onBytes: (sent: number, total: number) => void): Readable {
	const total = volumes.reduce((sum, { bytes, head }) => sum + bytes - head, 0);
	return Readable.from(
		(async function* () {
			let sent = 0;
			for (const { file, head } of volumes)
				for await (const piece of createReadStream(join(dir, file), { start: head, highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
					yield piece;
					sent += piece.length;
					onBytes(sent, total);
				}
		})(),
	);
}
