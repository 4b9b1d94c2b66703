import { bare } from './mirror-errors.ts';

/** Tries in a row without a byte after which a mirror, or one file of it, is given up. */
export const TRIES = 5;
/** Connections at once to one mirror. What serves ftp often allows few from one address. */
const CONNECTIONS = { http: 16, ftp: 4, other: 2 };
/** The longest pause that a mirror may ask for, in milliseconds. */
const LONGEST_MS = 30_000;

/** One server, as long as a run takes: how many connections it gets, how it behaves, whether it is still asked. */
export class Mirror {
	/** For people: no user, no password, no path. */
	readonly name: string;
	/** Connections that are open or being opened. */
	active = 0;
	/** Bytes a millisecond that one connection brought lately; null = none yet. */
	rate: number | null = null;
	/** Why it is no longer asked; null = it is. */
	aside: string | null = null;
	/** No new connection before this time, in milliseconds of performance.now(). */
	notBefore = 0;
	#limit: number;
	#failures = 0;
	readonly #pauseMs: number;

	/** `pauseMs`: the first pause after a failure; doubled after each more. */
	constructor(url: string, pauseMs: number) {
		this.name = mirrorOf(url);
		this.#limit = CONNECTIONS[/^https?:/.test(url) ? 'http' : url.startsWith('ftp:') ? 'ftp' : 'other'];
		this.#pauseMs = pauseMs;
	}

	/** Connections that it may have at once. */
	get limit(): number {
		return this.aside === null ? this.#limit : 0;
	}

	/** Whether one more connection may be opened now. */
	free(now: number): boolean {
		return this.active < this.limit && now >= this.notBefore;
	}

	/** It brought bytes. */
	good(): void {
		this.#failures = 0;
	}

	/** One connection moved `bytes` in `ms`. */
	measured(bytes: number, ms: number): void {
		if (ms < 50) return;
		const rate = bytes / ms;
		this.rate = this.rate === null ? rate : (this.rate + rate) / 2;
	}

	/** It wants fewer connections than it has: it gets fewer from now on. False where it has no other, i.e. that is no reason. */
	crowded(): boolean {
		if (this.active < 2) return false;
		this.#limit = Math.max(1, Math.min(this.#limit, this.active - 1));
		return true;
	}

	/** Leaves it alone for so many milliseconds. */
	rest(ms: number): void {
		this.notBefore = Math.max(this.notBefore, performance.now() + Math.min(ms, LONGEST_MS));
	}

	/**
	 * A connection begun at `began` brought nothing; true = it should be set aside. Connections that break together count once: only one
	 * begun after the pause of the last failure tells something new. `askedMs`: the pause that the mirror asked for.
	 */
	failed(began: number, askedMs: number): boolean {
		if (began >= this.notBefore) this.#failures++;
		this.rest(Math.max(this.#pauseMs * 2 ** (this.#failures - 1), askedMs));
		return this.#failures >= TRIES && this.aside === null;
	}
}

/** The server of a URL, for people and as a key: scheme, host and port, or the path for a folder. */
export function mirrorOf(url: string): string {
	return bare(/^[a-z]+:\/\/[^/]+/.exec(url)?.[0] ?? url.replace(/\/[^/]*$/, ''));
}
