import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';

/** A file (by path) or bytes as a stream that tells how much of it went out. */
export function counted(source: string | Buffer, onBytes: (sent: number) => void = () => {}): Readable {
	return Readable.from(pieces(source, onBytes));
}

async function* pieces(source: string | Buffer, onBytes: (sent: number) => void): AsyncGenerator<Buffer> {
	let sent = 0;
	for await (const piece of typeof source === 'string' ? (createReadStream(source) as AsyncIterable<Buffer>) : [source]) {
		yield piece;
		sent += piece.length;
		onBytes(sent);
	}
}
