import { bare, unreachable } from '../fetch/mirror-errors.ts';
import { openSource } from '../fetch/source.ts';

/**
 * Reads from a URL until its end, until `most` bytes came or until the time is over; gives what came. Throws E_NOT_FOUND,
 * E_MIRROR_UNREACHABLE (also when the time is over before the first byte), or the signal's reason.
 */
export async function readFor(url: string, timeMs: number, most: number, signal: AbortSignal): Promise<{ bytes: Buffer; ended: boolean }> {
	const over = AbortSignal.timeout(timeMs);
	const parts: Buffer[] = [];
	let length = 0;
	let ended = false;
	try {
		const { stream } = await orOver(openSource(url, 0, AbortSignal.any([signal, over]), timeMs), over, url, timeMs);
		try {
			for await (const part of stream as AsyncIterable<Buffer>) {
				parts.push(part);
				length += part.length;
				if (length >= most) break;
			}
			ended = length < most;
		} finally {
			stream.destroy();
		}
	} catch (cause) {
		signal.throwIfAborted();
		if (length === 0) throw over.aborted ? late(url, timeMs) : unreachable(url, cause);
	}
	return { bytes: Buffer.concat(parts), ended };
}

/** The whole of a small file, in this time. Throws as readFor, E_MIRROR_UNREACHABLE also where it did not end. */
export async function readSmall(url: string, timeMs: number, signal: AbortSignal): Promise<Buffer> {
	const { bytes, ended } = await readFor(url, timeMs, 1 << 20, signal);
	if (!ended) throw late(url, timeMs);
	return bytes;
}

/** A server that does not even answer may not hear of the abort. */
function orOver<T>(work: Promise<T>, over: AbortSignal, url: string, timeMs: number): Promise<T> {
	const end = new Promise<never>((_, reject) => over.addEventListener('abort', () => reject(late(url, timeMs)), { once: true }));
	work.catch(() => {});
	end.catch(() => {});
	return Promise.race([work, end]);
}

function late(url: string, timeMs: number): Error {
	return unreachable(bare(url), new Error(`no answer in ${timeMs / 1000} seconds`));
}
