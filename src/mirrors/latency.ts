import { BsdupError } from '../errors.ts';
import { readSmall } from './read-small.ts';

/** How near a mirror is, by small requests; `loss`: the share of them that brought nothing. */
export interface Latency {
	/** Milliseconds; null when nothing came. */
	median: number | null;
	jitter: number | null;
	loss: number;
	/** Why the last request that failed did; null when none failed. */
	error: BsdupError | null;
}

/** Requests for the small file. The first looks up the name and connects: it counts for the loss only. */
const PROBES = 6;
/** When so many in a row bring nothing and none came before, the others would not either. */
const HOPELESS = 2;

/** Asks for a small file again and again, for `probeMs` each. Where it is not there the answer counts all the same: it came. Throws the signal's reason. */
export async function measureLatency(url: string, probeMs: number, signal: AbortSignal): Promise<Latency> {
	const times: number[] = [];
	let error: BsdupError | null = null;
	let tried = 0;
	while (tried < PROBES && !(tried >= HOPELESS && times.length === 0)) {
		signal.throwIfAborted();
		tried++;
		const began = performance.now();
		try {
			await readSmall(url, probeMs, signal);
		} catch (cause) {
			signal.throwIfAborted();
			if (!(cause instanceof BsdupError)) throw cause;
			if (cause.code !== 'E_NOT_FOUND') {
				error = cause;
				continue;
			}
		}
		times.push(performance.now() - began);
	}
	const warm = times.length > 1 ? times.slice(1) : times;
	const changes = warm.slice(1).map((time, index) => Math.abs(time - (warm[index] ?? time)));
	return {
		median: medianOf(warm),
		jitter: changes.length === 0 ? null : changes.reduce((sum, change) => sum + change, 0) / changes.length,
		loss: 1 - times.length / tried,
		error,
	};
}

function medianOf(values: readonly number[]): number | null {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.floor(sorted.length / 2)] ?? null;
}
