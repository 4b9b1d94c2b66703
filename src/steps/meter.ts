import type { Progress, RunEvent } from '../report/events.ts';

/** Milliseconds between two words on the progress, and over which a rate is taken. */
const TELL_MS = 250;
const RATE_MS = 10_000;

/** Adds up the bytes of files that go one way, and tells them a few times a second: in all, and each file under way. */
export class Meter {
	readonly #id: string;
	readonly #way: 'fetch' | 'push';
	readonly #emit: (event: RunEvent) => void;
	readonly #files: Map<string, { size: number | null; done: number; begun: number | null; mirror?: string }>;
	/** When, and how much had moved by then, the oldest first. */
	#seen: [time: number, moved: number][] = [];
	#told = 0;

	constructor(
		id: string,
		way: 'fetch' | 'push',
		files: readonly { name: string; size: number | null }[],
		emit: (event: RunEvent) => void,
		now = Date.now(),
	) {
		this.#id = id;
		this.#way = way;
		this.#emit = emit;
		this.#files = new Map(files.map(({ name, size }) => [name, { size, done: 0, begun: null }]));
		this.#seen.push([now, 0]);
	}

	/** `done`: bytes of this file that are there; what a first word tells was there before and counts for no rate. */
	at(name: string, done: number, mirror = '', now = Date.now()): void {
		const file = this.#files.get(name);
		if (file === undefined) return;
		file.begun ??= done;
		file.done = done;
		if (mirror !== '') file.mirror = mirrorName(mirror);
		if (now - this.#told < TELL_MS) return;
		this.#told = now;
		this.#emit({ kind: 'progress', id: this.#id, ...this.#progress(now) });
	}

	#progress(now: number): Progress {
		const files = [...this.#files.values()];
		const done = files.reduce((sum, file) => sum + file.done, 0);
		const moved = files.reduce((sum, file) => sum + Math.max(0, file.done - (file.begun ?? 0)), 0);
		while (this.#seen.length > 1 && now - (this.#seen[0]?.[0] ?? now) > RATE_MS) this.#seen.shift();
		const [since, before] = this.#seen[0] ?? [now, moved];
		this.#seen.push([now, moved]);
		const rate = Math.max(0, moved - before) / Math.max(0.001, (now - since) / 1000);
		const total = files.some(({ size }) => size === null) ? null : files.reduce((sum, { size }) => sum + (size ?? 0), 0);
		const underWay = [...this.#files].filter(([, file]) => file.begun !== null && file.done !== file.size);
		return {
			...{ done, total, rate, way: this.#way },
			left: total === null || rate === 0 ? null : Math.ceil((total - done) / rate),
			files: underWay.map(([name, file]) => ({
				...{ name, done: file.done, total: file.size },
				...(file.mirror === undefined ? {} : { mirror: file.mirror }),
			})),
		};
	}
}

/** A mirror in a word: its host, or `this machine` for a directory. */
function mirrorName(mirror: string): string {
	if (/^(file:|\/)/.test(mirror)) return 'this machine';
	return (URL.canParse(mirror) ? new URL(mirror).host : '') || mirror;
}
