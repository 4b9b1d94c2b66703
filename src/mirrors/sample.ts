import { createHash } from 'node:crypto';
import type { Target } from '../fetch/target.ts';
import { readFor } from './read-small.ts';

/** Bytes that tell enough of a line. */
const SAMPLE = 16 * 1024 * 1024;

/** What the sample of a mirror showed. */
export interface Sample {
	/** Bytes a second, from the request to the last byte. */
	throughput: number;
	/** A whole file came, and it is not the one of the list. */
	wrong: string | null;
}

/**
 * Reads of one file for at most `timeMs`; one that fits into the sample is taken where there is one, for it can be held against the
 * list then. Null where nothing came. Throws the signal's reason.
 */
export async function takeSample(target: Target, mirror: string, timeMs: number, signal: AbortSignal): Promise<Sample | null> {
	const sizes = target.files.filter(({ size }) => (size ?? 0) > 0).sort((a, b) => (b.size ?? 0) - (a.size ?? 0));
	const file = sizes.find(({ size }) => (size ?? 0) < SAMPLE) ?? sizes.at(-1);
	if (file === undefined) return null;
	const url = `${mirror}${target.url.slice(target.mirror.length)}/${file.name}`;
	const began = performance.now();
	try {
		const { bytes, ended } = await readFor(url, timeMs, SAMPLE, signal);
		const whole = ended && bytes.length === file.size;
		const right = createHash('sha256').update(bytes).digest('hex') === file.sha256;
		return { throughput: bytes.length / ((performance.now() - began) / 1000), wrong: whole && !right ? file.name : null };
	} catch {
		signal.throwIfAborted();
		return null;
	}
}
