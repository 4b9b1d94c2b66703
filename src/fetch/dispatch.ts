import { BsdupError } from '../errors.ts';
import type { DownloadRequest } from './download.ts';
import type { FileJob, Source, Transfer } from './file-job.ts';
import { Mirror, mirrorOf } from './mirror.ts';
import { Crowded, Refused, reason } from './mirror-errors.ts';
import type { Range } from './ranges.ts';
import { Throttle } from './throttle.ts';
import { Changed, NoRanges, transfer } from './transfer.ts';
import { type Patience, TooSlow } from './watch.ts';

/** Milliseconds between looks at what no event tells: pauses that ended, connections that need help. */
const LOOK_MS = 250;
/** Changes of one file on a mirror after which it is not taken from there, or, where no other has it, in one stream. */
const CHANGES = 3;

/** Hands stretches of the open files to the mirrors' free connections, and judges what becomes of each. */
export class Dispatch {
	/** Ends all transfers. */
	readonly signal: AbortSignal;
	/** The first failure, which stopped the others. */
	failure: { cause: unknown } | null = null;
	readonly #request: DownloadRequest;
	readonly #patience: Patience;
	readonly #pauseMs: number;
	readonly #throttle: Throttle;
	readonly #stop = new AbortController();
	readonly #mirrors = new Map<string, Mirror>();
	readonly #jobs = new Set<FileJob>();
	readonly #timer: NodeJS.Timeout;
	#waiting: (() => void)[] = [];

	constructor(request: DownloadRequest, patience: Patience, pauseMs: number) {
		this.#request = request;
		this.#patience = patience;
		this.#pauseMs = pauseMs;
		this.#throttle = new Throttle(request.bandwidth);
		this.signal = request.signal === undefined ? this.#stop.signal : AbortSignal.any([request.signal, this.#stop.signal]);
		this.signal.addEventListener('abort', () => this.#tell());
		this.#timer = setInterval(() => this.#tell(), LOOK_MS);
	}

	/** The sources of a file; mirrors are shared with all other files of this run. */
	sources(urls: readonly string[]): Source[] {
		return urls.map((url) => {
			const key = mirrorOf(url);
			const mirror = this.#mirrors.get(key) ?? new Mirror(url, this.#pauseMs);
			this.#mirrors.set(key, mirror);
			return { url, mirror, fault: null, whole: false, validator: null, fruitless: 0, breaks: 0, changes: 0 };
		});
	}

	/** Gives free connections to this file too, until `remove`. */
	add(job: FileJob): void {
		this.#jobs.add(job);
	}

	/** Ends what is on its way for a file, and waits for it. */
	async remove(job: FileJob): Promise<void> {
		this.#jobs.delete(job);
		for (const { control } of job.transfers) control.abort(new Error('not needed any more'));
		while (job.transfers.size > 0) await this.change();
	}

	/** Starts what can be started; resolves when something may have changed. */
	async change(): Promise<void> {
		const change = new Promise<void>((resolve) => this.#waiting.push(resolve));
		if (!this.signal.aborted) this.#start();
		await change;
	}

	/** Tells a person about a mirror. */
	notice(mirror: Mirror, text: string): void {
		this.#request.onMirror?.(mirror.name, text);
	}

	/** Sets a mirror aside for the rest of the run. */
	setAside(mirror: Mirror, why: string): void {
		mirror.aside = why;
		this.notice(mirror, `set aside for the rest of this run: ${why}`);
	}

	/** The first failure stops all. */
	fail(cause: unknown): void {
		this.failure ??= { cause };
		this.#stop.abort(cause);
	}

	/** Ends the looks at how transfers go; nothing is given out any more. */
	close(): void {
		clearInterval(this.#timer);
	}

	#tell(): void {
		const waiting = this.#waiting;
		this.#waiting = [];
		for (const wake of waiting) wake();
	}

	#start(): void {
		const now = performance.now();
		for (let more = true; more; ) {
			more = false;
			for (const mirror of this.#mirrors.values()) {
				const work = mirror.free(now) ? this.#workFor(mirror, now) : null;
				if (work === null) continue;
				void this.#transfer(...work);
				more = true;
			}
		}
	}

	/** A file that nobody fetches yet comes first, then the one that lacks most, then help for a slow connection. */
	#workFor(mirror: Mirror, now: number): [FileJob, Source, Range] | null {
		const open = [...this.#jobs].flatMap((job) => {
			const source = job.sourceOn(mirror);
			return source === undefined ? [] : [{ job, source, waiting: job.transfers.size === 0 ? Number.POSITIVE_INFINITY : job.waiting }];
		});
		for (const { job, source, waiting } of open.sort((a, b) => b.waiting - a.waiting)) {
			const share = waiting > 0 ? job.share(source, this.#hands()) : null;
			if (share !== null) return [job, source, share];
		}
		for (const { job, source } of open) {
			const range = job.rescue(source, now);
			if (range !== null) return [job, source, range];
		}
		return null;
	}

	/** Connections for each file. */
	#hands(): number {
		const all = [...this.#mirrors.values()].reduce((sum, { limit }) => sum + limit, 0);
		return Math.max(1, all / this.#jobs.size);
	}

	async #transfer(job: FileJob, source: Source, { start, end }: Range): Promise<void> {
		const { mirror } = source;
		const began = performance.now();
		const one: Transfer = { at: start, end, began, from: start, source, control: new AbortController() };
		job.transfers.add(one);
		mirror.active++;
		try {
			await transfer(job, one, {
				patience: this.#patience,
				throttle: this.#throttle,
				signal: this.signal,
				onPiece: () => this.#request.onBytes?.(job.file.name, job.done, job.size, mirror.name),
			});
			job.went(one, true);
		} catch (error) {
			if (!this.signal.aborted) this.#broke(job, one, error);
		} finally {
			mirror.measured(one.at - one.from, performance.now() - began);
			mirror.active--;
			job.transfers.delete(one);
			this.#tell();
		}
	}

	#broke(job: FileJob, one: Transfer, error: unknown): void {
		const { source } = one;
		const { mirror } = source;
		const code = error instanceof BsdupError ? error.code : null;
		if (error instanceof NoRanges || job.restarting || !this.#jobs.has(job)) return;
		if (code === 'E_WRITE') this.fail(error);
		else if (error instanceof Changed && (++source.changes < CHANGES || job.onlyFrom(source))) this.#restart(job, source);
		else if (code !== null || error instanceof Refused || error instanceof Changed) this.#refuse(job, source, error);
		else if (error instanceof Crowded && mirror.crowded()) mirror.rest(Math.max(this.#pauseMs, error.pauseMs));
		else this.#failed(job, one, error);
	}

	#failed(job: FileJob, one: Transfer, error: unknown): void {
		const { source } = one;
		const { mirror } = source;
		// Only slow or silent sources are taken over from so far that nothing is left for them.
		const fruitless = !job.went(one, !(error instanceof TooSlow || one.control.signal.aborted));
		if (fruitless && mirror.failed(one.began, error instanceof Crowded ? error.pauseMs : 0)) this.setAside(mirror, reason(error));
		if (job.tooOften(source)) this.#refuse(job, source, error);
	}

	/** This file is not taken from there any more. */
	#refuse(job: FileJob, source: Source, cause: unknown): void {
		source.fault = cause;
		this.notice(source.mirror, `not asked for ${job.file.name} any more: ${reason(cause)}`);
	}

	/**
	 * The file changed on a mirror: what came before may be of another one. Where it does again and again, several servers may stand
	 * behind the name, each with tags of its own: one stream is of one of them.
	 */
	#restart(job: FileJob, source: Source): void {
		source.whole = source.changes >= CHANGES;
		const how = source.whole
			? 'is another one each time it is asked for: it is taken in one stream'
			: 'changed while it was fetched: it is begun again';
		this.notice(source.mirror, `${job.file.name} ${how}`);
		job.restarting = true;
		for (const { control } of job.transfers) control.abort(new Error('begun again'));
	}
}
