import type { FileJob } from './file-job.ts';

/** Bytes that are worth a write, and bytes of one connection that may wait for the disk. */
const LEAST = 256 << 10;
const MOST = 512 << 10;
/** Bytes, and milliseconds, after which what came is noted: what a kill may cost for each connection. */
const NOTE_BYTES = 1 << 20;
const NOTE_MS = 100;

/** Lays the pieces of one connection into the part, one write at a time, and notes what is there. */
export class PieceWriter {
	readonly #job: FileJob;
	#pieces: Buffer[] = [];
	/** Where the first of them goes, and how many bytes they are. */
	#at: number;
	#bytes = 0;
	#noted: number;
	#writing: Promise<void> | null = null;
	#failure: { cause: unknown } | null = null;
	/** What came last must not stay unwritten because nothing comes after it. */
	readonly #timer = setInterval(() => {
		if (this.#writing === null && this.#failure === null && this.#at + this.#bytes > this.#noted) this.#start(true);
	}, NOTE_MS);

	/** `at`: where the first piece goes. */
	constructor(job: FileJob, at: number) {
		this.#job = job;
		this.#at = this.#noted = at;
	}

	/** Takes the next piece; a promise where the disk must catch up first, else null. Throws E_WRITE, of an earlier piece too. */
	put(piece: Buffer): Promise<void> | null {
		if (this.#failure !== null) throw this.#failure.cause;
		this.#pieces.push(piece);
		this.#bytes += piece.length;
		if (this.#writing === null && this.#bytes >= LEAST) this.#start(false);
		return this.#bytes >= MOST && this.#writing !== null ? this.#writing : null;
	}

	/** Writes and notes what is left. Throws E_WRITE. */
	async end(): Promise<void> {
		clearInterval(this.#timer);
		// One write that ends may begin the next: none may be left to fall into a part that was begun again.
		while (this.#writing !== null) await this.#writing;
		this.#start(true);
		await this.#writing;
		if (this.#failure !== null) throw this.#failure.cause;
	}

	#start(note: boolean): void {
		const [pieces, at] = [this.#pieces, this.#at];
		this.#at += this.#bytes;
		[this.#pieces, this.#bytes] = [[], 0];
		this.#writing = this.#write(pieces, at, this.#at, note).then(
			() => {
				this.#writing = null;
				if (this.#bytes >= LEAST) this.#start(false);
			},
			(cause: unknown) => {
				this.#writing = null;
				this.#failure = { cause };
			},
		);
	}

	async #write(pieces: Buffer[], at: number, end: number, note: boolean): Promise<void> {
		const { part, hash } = this.#job;
		await part.write(at, pieces);
		hash.wrote();
		if (!note && end - this.#noted < NOTE_BYTES) return;
		await part.note(this.#noted, end);
		this.#noted = end;
	}
}
