import { setTimeout as sleep } from 'node:timers/promises';
import type { Transport } from '../transport/transport.ts';
import { pollScript, RECORD_BYTES } from './restore-scripts.ts';

const POLL_FIRST_MS = 100;
const POLL_LONGEST_MS = 1000;
const TAIL_LINES = 8;

/** How a restore on the host ended. */
export interface Followed {
	/** Its status, or null when it was cut: a kill or a power cut. */
	status: number | null;
	log: RestoreLog;
}

/** Takes the log of a restore apart: signs of progress from what tar has to say. `sizes`: bytes of each piece. */
export class RestoreLog {
	readonly tail: string[] = [];
	/** KiB that were free on the target's disk when it failed; null = not told. */
	free: number | null = null;
	readonly #sizes: ReadonlyMap<string, number>;
	readonly #onBytes: (done: number) => void;
	readonly #onLine: (line: string) => void;
	#pieces = 0;
	#rest = '';

	constructor(sizes: ReadonlyMap<string, number>, onBytes: (done: number) => void, onLine: (line: string) => void) {
		this.#sizes = sizes;
		this.#onBytes = onBytes;
		this.#onLine = onLine;
	}

	/** `text`: the next piece of the log. */
	take(text: string): void {
		const lines = (this.#rest + text).split('\n');
		this.#rest = lines.pop() ?? '';
		for (const line of lines) {
			const [, checkpoint] = /: Read checkpoint (\d+)$/.exec(line) ?? [];
			const [, piece] = /^read (.+)$/.exec(line) ?? [];
			if (checkpoint !== undefined) this.#onBytes(Number(checkpoint) * RECORD_BYTES);
			else if (piece !== undefined && this.#sizes.has(piece)) {
				this.#pieces += this.#sizes.get(piece) ?? 0;
				this.#onBytes(this.#pieces);
			} else if (/^free \d+$/.test(line)) this.free = Number(line.slice(5));
			else this.#say(line);
		}
	}

	#say(line: string): void {
		// Names longer than a header's field are cut there; tar says so of each and goes on rightly.
		if (line.endsWith('header contains truncated name')) return;
		this.#onLine(line);
		this.tail.push(line);
		if (this.tail.length > TAIL_LINES) this.tail.shift();
	}
}

/** Follows a restore that runs by itself to its end. */
export async function follow(host: Transport, target: string, log: RestoreLog, signal: AbortSignal): Promise<Followed> {
	let offset = 0;
	for (let pause = POLL_FIRST_MS; ; pause = Math.min(pause * 1.5, POLL_LONGEST_MS)) {
		const { stdout } = await host.run(pollScript(target, offset), { encoding: 'latin1', signal });
		const end = stdout.indexOf('\n');
		const [word, status] = stdout.slice(0, end).split(' ');
		const bytes = stdout.slice(end + 1);
		offset += bytes.length;
		log.take(Buffer.from(bytes, 'latin1').toString('utf8'));
		if (word === 'ended') return { status: Number(status), log };
		if (word !== 'running') return { status: null, log };
		await sleep(pause, undefined, { signal });
	}
}
