/** What became known of a mirror. Times of files in seconds since the epoch. */
export interface Measured {
	/** Its top, without a password. */
	mirror: string;
	/**
	 * good: all is there and of one build · old: another mirror has a newer build · mixed: its files are not all of one build, or some
	 * are not there · down: it cannot be used at all.
	 */
	state: 'good' | 'old' | 'mixed' | 'down';
	/** Why it is not good, one clause each, and what else a person should know. */
	says: string[];
	/** Until a small file has come, in milliseconds: the median of several; the mean change from one to the next. */
	latency: number | null;
	jitter: number | null;
	/** The part of the small requests that brought nothing, 0 to 1. */
	loss: number;
	/** Bytes a second of a sample. */
	throughput: number | null;
	/** `X.Y`, as its list tells. */
	version: string | null;
	/** When its sets were built, and when its packages were put there. */
	build: number | null;
	packages: number | null;
	/** Its signature was not looked at: nobody here has the key, or there is none. */
	unproven: boolean;
	/** Seconds that the sets of an upgrade would take from here, about. */
	estimate: number | null;
}
