import { BsdupError } from '../errors.ts';
import { bare } from '../fetch/mirror-errors.ts';
import { measureLatency } from './latency.ts';
import { type Look, lookAt, type Wanted } from './look.ts';
import type { Measured } from './measured.ts';
import { takeSample } from './sample.ts';
import { type Found, inOrder } from './verdict.ts';

/** The mirrors to rank, and what is wanted of them. */
export interface RankRequest {
	/** Tops of mirrors, passwords included. */
	mirrors: readonly string[];
	wanted: Wanted;
	/** For all of it, about; what is begun then is ended. */
	timeMs: number;
	signal: AbortSignal;
	onProgress?: (text: string) => void;
}

/** Mirrors that are asked at once for small things; samples are taken one by one, or they would share the line. */
const AT_ONCE = 6;
/** A small file takes no longer from a mirror that is of use. Milliseconds. */
const PROBE_MS = 3_000;
/** A sample tells enough after that. Milliseconds. */
const SAMPLE_MS = 4_000;
/** The least that is worth it. */
const LEAST_MS = 500;

/**
 * Measures mirrors and gives them best first: those that are whole and new before the others, then by the time that all the sets
 * would take. A mirror that fails is one of them, with its reason. Throws the signal's reason.
 */
export async function rankMirrors({ mirrors, wanted, timeMs, signal, onProgress }: RankRequest): Promise<Measured[]> {
	const end = performance.now() + timeMs;
	onProgress?.(`asking ${mirrors.length} ${mirrors.length === 1 ? 'mirror' : 'mirrors'} for small files`);
	const folder = (wanted.layout[wanted.to === 'snapshot' ? 'snapshot' : 'release'] ?? '')
		.replace('{{version}}', wanted.to)
		.replace('{{arch}}', wanted.arch);
	const probeMs = Math.min(PROBE_MS, Math.round(timeMs / 4));
	const found = await eachOf(mirrors, async (mirror): Promise<Found> => {
		const latency = await measureLatency(`${mirror}/${folder}/${wanted.layout.build ?? wanted.layout.lists[0]?.file}`, probeMs, signal);
		return { mirror, latency, look: null, throughput: null, wrong: null };
	});
	const answering = found.filter(({ latency }) => latency.median !== null);
	onProgress?.(`looking whether list, sets and packages are of one build on ${answering.length}`);
	await eachOf(answering, async (one) => {
		one.look = await inTime(lookAt(one.mirror, wanted, signal), Math.max(LEAST_MS, Math.round(end - performance.now())), signal);
	});
	const usable = answering.filter(({ look }) => look !== null && !(look instanceof BsdupError));
	for (const [index, one] of usable.sort((a, b) => (a.latency.median ?? 0) - (b.latency.median ?? 0)).entries()) {
		onProgress?.(`how fast is ${bare(one.mirror)} (${index + 1} of ${usable.length})`);
		const time = Math.min(SAMPLE_MS, Math.max(LEAST_MS, Math.round((end - performance.now()) / (usable.length - index))));
		const sample = await takeSample((one.look as Look).target, one.mirror, time, signal);
		one.throughput = sample?.throughput ?? null;
		one.wrong = sample?.wrong ?? null;
	}
	return inOrder(found);
}

async function eachOf<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
	const results: R[] = [];
	const queue = [...all.entries()];
	const worker = async (): Promise<void> => {
		for (let next = queue.shift(); next !== undefined; next = queue.shift()) results[next[0]] = await work(next[1]);
	};
	await Promise.all(Array.from({ length: AT_ONCE }, worker));
	return results;
}

/** The look, or why there is none. Throws the signal's reason. */
async function inTime(look: Promise<Look>, timeMs: number, signal: AbortSignal): Promise<Look | BsdupError> {
	const over = AbortSignal.any([AbortSignal.timeout(timeMs), signal]);
	const end = new Promise<never>((_, reject) =>
		over.addEventListener(
			'abort',
			() => reject(new BsdupError({ code: 'E_TIMEOUT', message: `no answer in ${Math.round(timeMs / 1000)} seconds` })),
			{
				once: true,
			},
		),
	);
	look.catch(() => {});
	try {
		return await Promise.race([look, end]);
	} catch (error) {
		signal.throwIfAborted();
		if (error instanceof BsdupError) return error;
		throw error;
	}
}
