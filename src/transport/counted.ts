import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';

/** Bytes read at once: with the 64 KiB that a stream takes by itself, much of the time goes into asking for more. */
const PIECE = 1 << 19;

/** A file (by path) or bytes, from byte `offset` on, as a stream that tells how much of it is out. */
export function counted(source: string | Buffer, onBytes: (sent: number) => void = () => {}, offset = 0): Readable {
	return Readable.from(pieces(source, onBytes, offset));
}

async function* pieces(source: string | Buffer, onBytes: (sent: number) => void, offset: number): AsyncGenerator<Buffer> {
	let sent = offset;
	const file = (path: string): AsyncIterable<Buffer> => createReadStream(path, { start: offset, highWaterMark: PIECE });
	for await (const piece of typeof source === 'string' ? file(source) : [source.subarray(offset)]) {
		yield piece;
		sent += piece.length;
		onBytes(sent);
	}
}
