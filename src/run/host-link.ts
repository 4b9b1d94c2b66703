import { setTimeout as sleep } from 'node:timers/promises';
import { BsdupError } from '../errors.ts';
import type { RunOptions, RunResult, Transport } from '../transport/transport.ts';

/** Codes after which connecting again can help. A changed host key or a refused login is not among them. */
const PASSING = new Set(['E_CONNECTION_LOST', 'E_CONNECT', 'E_TIMEOUT', 'E_CHANNEL']);
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** True for an error that a later try may not meet. */
export function isPassing(error: unknown): boolean {
	return error instanceof BsdupError && PASSING.has(error.code);
}

const plainly = async (last: string): Promise<BsdupError> => new BsdupError({ code: 'E_NOT_BACK', message: last, next: ['bsdup resume'] });

/** Calls to the host that survive a lost connection: every script sent here may be sent twice without harm. */
export class HostLink {
	readonly #transport: Transport;
	readonly #notice: (text: string) => void;
	readonly #patienceMs: number;
	readonly #away: (last: string) => Promise<BsdupError>;
	readonly #stop: AbortSignal | undefined;

	/**
	 * `patienceMs`: how long a host may stay away before the run gives up waiting, with the error that `away` makes. `stop` ends the
	 * waiting, never what runs there.
	 */
	constructor(transport: Transport, notice: (text: string) => void, patienceMs: number, away = plainly, stop?: AbortSignal) {
		this.#transport = transport;
		this.#notice = notice;
		this.#patienceMs = patienceMs;
		this.#away = away;
		this.#stop = stop;
	}

	/** Runs a script, connecting again as often as needed. Throws what `away` makes when patience ends. */
	async run(script: string, options: RunOptions = {}): Promise<RunResult> {
		const signal = options.signal ?? this.#stop;
		return this.retry(() => this.#transport.run(script, { ...options, ...(signal === undefined ? {} : { signal }) }), signal);
	}

	/** The same for any idempotent use of the transport. */
	async retry<T>(use: () => Promise<T>, signal = this.#stop): Promise<T> {
		let end: number | undefined;
		let pause = FIRST_PAUSE_MS;
		for (;;) {
			let here: number | undefined;
			try {
				if (end !== undefined) await this.#transport.connect();
				here = performance.now();
				const result = await use();
				if (end !== undefined) this.#notice(`connected again to ${this.#transport.name}`);
				return result;
			} catch (error) {
				if (!isPassing(error) || signal?.aborted === true) throw error;
				// Not by the time of day: a clock that is set must neither end the waiting nor prolong it.
				const now = performance.now();
				if (end === undefined) this.#notice(`${this.#transport.name} does not answer; what runs there goes on; trying again`);
				// A file may be on its way for hours before the line breaks: then the host was here, not away.
				else if (here !== undefined && (error as BsdupError).code === 'E_CONNECTION_LOST') end += now - here;
				end ??= now + this.#patienceMs;
				if (now > end) throw await this.#away(error instanceof BsdupError ? error.message : String(error));
				await sleep(pause, undefined, signal === undefined ? {} : { signal });
				pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
			}
		}
	}
}
