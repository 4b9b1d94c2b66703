import type { Readable } from 'node:stream';

/** What a source must do to be waited for. */
export interface Patience {
	/** Milliseconds without a byte after which it is given up. */
	stallMs: number;
	/** Bytes a second that it must reach over each window of `windowMs`: one byte a second must not hold a run. */
	leastRate: number;
	windowMs: number;
}

/** What a real mirror is given, slow lines and busy servers included. */
export const PATIENCE: Patience = { stallMs: 30_000, leastRate: 1024, windowMs: 30_000 };

/** A source was given up since it was silent or slow. */
export class TooSlow extends Error {}

/**
 * Hands the pieces of `stream` to `take` until its end, or until `take` says false; the stream is closed then. While `take` has not
 * answered, no more is read, and that time is not held against the source. Rejects with what the stream or `take` fails with, and
 * TooSlow where the source is silent or too slow for `patience`.
 */
export async function pour(stream: Readable, patience: Patience, take: (piece: Buffer) => boolean | Promise<boolean>): Promise<void> {
	const clock = new Clock(patience);
	const timer = setInterval(
		() => {
			const fault = clock.fault();
			if (fault !== null) stream.destroy(new TooSlow(fault));
		},
		Math.min(1000, patience.stallMs / 4, patience.windowMs / 4),
	);
	try {
		await new Promise<void>((resolve, reject) => {
			const go = (more: boolean): void => {
				if (more) {
					clock.wait();
				} else {
					resolve();
					// At once: the next piece may lie ready.
					stream.destroy();
				}
			};
			stream.on('error', reject).on('end', resolve);
			stream.on('close', () => reject(new Error('it broke off')));
			stream.on('data', (piece: Buffer) => {
				clock.came(piece.length);
				try {
					const more = take(piece);
					if (typeof more === 'boolean') {
						go(more);
						return;
					}
					stream.pause();
					more.then((on) => {
						go(on);
						stream.resume();
					}, reject);
				} catch (error) {
					reject(error);
				}
			});
		});
	} finally {
		clearInterval(timer);
		stream.destroy();
	}
}

/** Counts only the time in which a source is waited for. */
class Clock {
	readonly #patience: Patience;
	#since: number | null = performance.now();
	#waited = 0;
	#bytes = 0;

	constructor(patience: Patience) {
		this.#patience = patience;
	}

	wait(): void {
		this.#since = performance.now();
	}

	came(bytes: number): void {
		const { leastRate, windowMs } = this.#patience;
		if (this.#since !== null) this.#waited += performance.now() - this.#since;
		this.#since = null;
		this.#bytes += bytes;
		if (this.#waited >= windowMs && this.#bytes >= (leastRate * this.#waited) / 1000) this.#waited = this.#bytes = 0;
	}

	/** What is wrong with the source's speed, or null. */
	fault(): string | null {
		if (this.#since === null) return null;
		const { stallMs, leastRate, windowMs } = this.#patience;
		const now = performance.now() - this.#since;
		const window = this.#waited + now;
		if (now >= stallMs) return `nothing came for ${stallMs / 1000} seconds`;
		if (window < windowMs || this.#bytes >= (leastRate * window) / 1000) return null;
		return `only ${this.#bytes} bytes came in ${Math.round(window / 1000)} seconds`;
	}
}
