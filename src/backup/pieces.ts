import { createHash, type Hash } from 'node:crypto';
import { appendFile, type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BsdupError } from '../errors.ts';
import { makeDir } from '../make-dir.ts';

/** A finished piece of an archive. */
export interface Piece {
	file: string;
	bytes: number;
	sha256: string;
}

interface OpenPiece {
	handle: FileHandle;
	file: string;
	hash: Hash;
	bytes: number;
}

const LETTERS = 26;
/** So many pieces have names. */
const MOST = LETTERS * LETTERS;

/** The ending of piece number `index` (from 0), as split(1) counts: aa, ab … zz. */
export function pieceSuffix(index: number): string {
	return String.fromCharCode(97 + Math.floor(index / LETTERS), 97 + (index % LETTERS));
}

/**
 * Cuts a stream of bytes into files BASE.aa, BASE.ab …, each hashed as it comes. A piece is written as NAME.part and gets its name,
 * and its line in BASE.SHA256, when it is whole and on the disk (fsync). All files 0600, the directory 0700 where it is made.
 * Throws E_BACKUP_TARGET where the disk takes no more, E_BACKUP_PIECES where the letters end.
 */
export class PieceWriter {
	readonly pieces: Piece[] = [];
	readonly #dir: string;
	readonly #base: string;
	readonly #limit: number;
	#current: OpenPiece | undefined;

	/** `limit`: bytes of a piece. */
	constructor(dir: string, base: string, limit: number) {
		this.#dir = dir;
		this.#base = base;
		this.#limit = limit;
	}

	/** Throws E_BACKUP_PIECES where so many bytes are more than pieces have names. */
	expect(bytes: number): void {
		if (bytes > this.#limit * MOST) throw tooMany(this.#limit);
	}

	/** Makes the directory, and removes what an attempt that was cut left of this backup: a live system fits no older beginning. */
	async begin(): Promise<void> {
		await this.#onDisk(async () => {
			makeDir(this.#dir, 0o700);
			const left = (await readdir(this.#dir)).filter((name) => name.startsWith(`${this.#base}.`));
			for (const name of left) await rm(join(this.#dir, name));
		});
	}

	/** The next bytes of the archive, across pieces. Throws where the disk does not take them. */
	async write(bytes: Buffer): Promise<void> {
		for (let at = 0; at < bytes.length; ) {
			const to = this.#current ?? (await this.#next());
			const piece = bytes.subarray(at, at + this.#limit - to.bytes);
			await this.#onDisk(() => writeAll(to.handle, piece));
			to.hash.update(piece);
			to.bytes += piece.length;
			at += piece.length;
			if (to.bytes === this.#limit) await this.#seal();
		}
	}

	/** Ends the last piece. */
	async end(): Promise<void> {
		if (this.#current !== undefined) await this.#seal();
	}

	/** Lets the open file go; what is there has no final name, or no MANIFEST.json beside it. */
	async abandon(): Promise<void> {
		const { handle } = this.#current ?? {};
		this.#current = undefined;
		await handle?.close().catch(() => {});
	}

	/** Adds text to BASE.LIST.part, which `nameList` makes BASE.LIST. */
	async list(text: string): Promise<void> {
		await this.#onDisk(() => appendFile(join(this.#dir, `${this.#base}.LIST.part`), text, { mode: 0o600 }));
	}

	/** Gives the list its name. */
	async nameList(): Promise<void> {
		const file = join(this.#dir, `${this.#base}.LIST`);
		await this.#onDisk(() => rename(`${file}.part`, file));
	}

	/** Writes a whole file of this backup under its final name at once; `name`: what follows BASE. */
	async put(name: string, content: string | Buffer): Promise<void> {
		const file = join(this.#dir, `${this.#base}.${name}`);
		await this.#onDisk(async () => {
			const handle = await open(`${file}.part`, 'w', 0o600);
			try {
				await handle.writeFile(content);
				await handle.sync();
			} finally {
				await handle.close();
			}
			await rename(`${file}.part`, file);
			await this.#syncDir();
		});
	}

	async #next(): Promise<OpenPiece> {
		if (this.pieces.length >= MOST) throw tooMany(this.#limit);
		const file = `${this.#base}.${pieceSuffix(this.pieces.length)}`;
		const handle = await this.#onDisk(() => open(join(this.#dir, `${file}.part`), 'w', 0o600));
		this.#current = { handle, file, hash: createHash('sha256'), bytes: 0 };
		return this.#current;
	}

	async #seal(): Promise<void> {
		const current = this.#current;
		if (current === undefined) return;
		this.#current = undefined;
		const piece = { file: current.file, bytes: current.bytes, sha256: current.hash.digest('hex') };
		await this.#onDisk(async () => {
			await current.handle.sync();
			await current.handle.close();
			await rename(join(this.#dir, `${piece.file}.part`), join(this.#dir, piece.file));
		});
		this.pieces.push(piece);
		await this.put('SHA256', this.pieces.map(({ file, sha256 }) => `SHA256 (${file}) = ${sha256}\n`).join(''));
	}

	async #syncDir(): Promise<void> {
		const dir = await open(this.#dir, 'r');
		await dir.sync().finally(() => dir.close());
	}

	async #onDisk<T>(use: () => Promise<T>): Promise<T> {
		try {
			return await use();
		} catch (cause) {
			if (cause instanceof BsdupError) throw cause;
			const { code, message } = cause as NodeJS.ErrnoException;
			throw new BsdupError({
				code: 'E_BACKUP_TARGET',
				message: `${this.#dir} takes no more of the backup: ${code === 'ENOSPC' ? 'the disk is full' : message}`,
				state: 'The host was only read. The backup here is not finished: it has no MANIFEST.json.',
				next: ['make room, or mend the disk, then bsdup resume', 'another --backup-here DIR', 'back up less: --backup, --exclude'],
				cause,
			});
		}
	}
}

function tooMany(limit: number): BsdupError {
	return new BsdupError({
		code: 'E_BACKUP_PIECES',
		message: `the backup needs more than ${MOST} pieces of ${limit} bytes, which have no names`,
		next: ['a larger --volume-size', 'less of it, by --backup and --exclude'],
	});
}

/** write(2) may take less than it is given, before it tells that the disk is full. */
async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
	for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
}
