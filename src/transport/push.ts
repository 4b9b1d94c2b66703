import { stat } from 'node:fs/promises';
import { counted } from './counted.ts';
import { pushFailed } from './errors.ts';
import { DIFFERS, partScript, pushResult, pushScript } from './push-script.ts';
import type { PushOptions, Transport } from './transport.ts';

/** Below this many bytes sending anew costs less than asking what is there. */
const WORTH_ASKING = 1 << 20;

/** A broken connection ends a push; its bytes have no time of their own. Milliseconds. */
const WITHOUT_END_MS = 24 * 3_600_000;

/** What of a transport a push needs. */
type Carrier = Pick<Transport, 'name' | 'run' | 'feed'>;

/**
 * Lays a file on the host; see push in transport.ts. With `resume` it goes on where an earlier push of the same file broke off; should
 * the whole then have another hash, it is sent once more from its begin. Throws E_PUSH and what the carrier throws.
 */
export async function push(carrier: Carrier, source: string | Buffer, remotePath: string, options: PushOptions): Promise<void> {
	const { mode, sha256, onBytes, resume = false, signal } = options;
	const size = await sizeOf(source).catch((error: Error) => {
		throw pushFailed(carrier.name, remotePath, error.message);
	});
	const keep = resume && size >= WORTH_ASKING;
	let offset = keep ? await there(carrier, remotePath, size, signal) : 0;
	const feeding = {
		timeoutMs: WITHOUT_END_MS,
		broken: (error: Error) => pushFailed(carrier.name, remotePath, error.message),
		...(signal === undefined ? {} : { signal }),
	};
	for (;;) {
		const stream = counted(source, onBytes, offset);
		try {
			const result = await carrier.feed(pushScript({ remotePath, mode, sha256, size, offset, keep }), stream, feeding);
			if (result.code !== DIFFERS || offset === 0) return pushResult(carrier.name, remotePath, result);
			offset = 0;
		} finally {
			stream.destroy();
		}
	}
}

async function sizeOf(source: string | Buffer): Promise<number> {
	return typeof source === 'string' ? (await stat(source)).size : source.length;
}

async function there(carrier: Carrier, remotePath: string, size: number, signal: AbortSignal | undefined): Promise<number> {
	const { stdout } = await carrier.run(partScript(remotePath), signal === undefined ? {} : { signal });
	const bytes = Number(stdout.trim().split('\n').at(-1));
	return Number.isInteger(bytes) && bytes <= size ? bytes : 0;
}
