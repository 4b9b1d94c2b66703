import { createHash, type Hash } from 'node:crypto';
import { hashRange } from './hash.ts';
import type { PartFile } from './part-file.ts';

/**
 * The SHA256 of a file while its pieces come in any order. SHA256 wants them in order: what comes at the front is taken from memory,
 * what came before its turn is read back, mostly from the system's cache, when the front reaches it.
 */
export class FrontHash {
	readonly #part: PartFile;
	#hash: Hash = createHash('sha256');
	#front = 0;
	#busy: Promise<void> | null = null;
	/** Raised by `restart`, so that a reading that is under way is dropped. */
	#round = 0;

	constructor(part: PartFile) {
		this.#part = part;
	}

	/** A piece that came, before it is written. */
	came(at: number, piece: Buffer): void {
		if (this.#busy !== null || at !== this.#front) return;
		this.#hash.update(piece);
		this.#front += piece.length;
	}

	/** Something was written: goes on where the front can. */
	wrote(): void {
		if (this.#busy !== null || this.#part.have.endFrom(this.#front) <= this.#front) return;
		this.#busy = this.#readBack().finally(() => {
			this.#busy = null;
		});
		// Whoever asks for the digest meets the error.
		this.#busy.catch(() => {});
	}

	/** Begins again: bytes that were hashed have gone. */
	restart(): void {
		this.#round++;
		this.#hash = createHash('sha256');
		this.#front = 0;
	}

	/** The SHA256 (hex) of the first `size` bytes, all of which are there; then `restart` is needed. Throws what the disk threw. */
	async digest(size: number): Promise<string> {
		while (this.#front < size) {
			await this.#busy;
			if (this.#front >= size) break;
			if (this.#part.have.endFrom(this.#front) <= this.#front) throw new Error(`byte ${this.#front} of ${this.#part.path} is not there`);
			this.wrote();
		}
		await this.#busy;
		return this.#hash.digest('hex');
	}

	async #readBack(): Promise<void> {
		for (let end = this.#part.have.endFrom(this.#front); end > this.#front; end = this.#part.have.endFrom(this.#front)) {
			const round = this.#round;
			const reached = await hashRange(this.#part.file, this.#front, end, this.#hash);
			if (round !== this.#round) continue;
			if (reached < end) throw new Error(`${this.#part.path} is shorter than its map says`);
			this.#front = end;
		}
	}
}
