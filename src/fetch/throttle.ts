import { setTimeout as sleep } from 'node:timers/promises';

/** Holds readers back so that all of them together stay below a rate. */
export class Throttle {
	readonly #rate: number;
	/** When all that was taken so far is paid for, in milliseconds of performance.now(). */
	#paid = 0;

	/** `rate`: bytes a second; undefined = no limit. */
	constructor(rate: number | undefined) {
		this.#rate = rate ?? Number.POSITIVE_INFINITY;
	}

	/** Resolves when `bytes` more may have come; null = they may. Rejects with an AbortError. */
	take(bytes: number, signal: AbortSignal): Promise<void> | null {
		if (this.#rate === Number.POSITIVE_INFINITY) return null;
		const now = performance.now();
		this.#paid = Math.max(this.#paid, now) + (bytes / this.#rate) * 1000;
		return sleep(this.#paid - now, undefined, { signal });
	}
}
