import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FORGET, mapHead, mapLine, readMap } from './part-map.ts';
import { Ranges } from './ranges.ts';
import { onDisk } from './write-errors.ts';

/**
 * A file that is being fetched: `TO.part` holds bytes at their places, `TO.part.map` tells which. What another run left is taken up;
 * without a map the part is a beginning that some other program fetched. The hash of the whole decides whether any of it was true.
 */
export class PartFile {
	readonly to: string;
	readonly path: string;
	/** The part, open for reading and writing. */
	readonly file: FileHandle;
	/** The bytes that are there. */
	have: Ranges;
	readonly #map: FileHandle;

	private constructor(to: string, file: FileHandle, map: FileHandle, have: Ranges) {
		this.to = to;
		this.path = `${to}.part`;
		this.file = file;
		this.#map = map;
		this.have = have;
	}

	/** Opens the part of `to`, or begins it. Throws E_WRITE. */
	static async open(to: string, sha256: string): Promise<PartFile> {
		const path = `${to}.part`;
		const text = await readFile(`${path}.map`, 'utf8').catch(() => null);
		const file = await onDisk(
			path,
			open(path, 'r+').catch((error) => (error.code === 'ENOENT' ? open(path, 'wx+') : Promise.reject(error))),
		);
		try {
			const { size } = await onDisk(path, file.stat());
			const found = text === null ? beginning(size) : readMap(text, sha256, size);
			const have = found ?? new Ranges();
			return new PartFile(to, file, await onDisk(`${path}.map`, beginMap(`${path}.map`, sha256, have)), have);
		} catch (error) {
			await file.close();
			throw error;
		}
	}

	/** Lays `pieces`, one after the other, at byte `at`. Throws E_WRITE. */
	async write(at: number, pieces: readonly Buffer[]): Promise<void> {
		let rest = pieces.filter(({ length }) => length > 0);
		for (let place = at; rest.length > 0; ) {
			const { bytesWritten } = await onDisk(this.path, this.file.writev(rest, place));
			this.have.add({ start: place, end: place + bytesWritten });
			place += bytesWritten;
			rest = without(rest, bytesWritten);
		}
	}

	/** Notes that bytes `start` up to `end` are there, for whoever comes after a kill. Throws E_WRITE. */
	async note(start: number, end: number): Promise<void> {
		if (end > start) await onDisk(`${this.path}.map`, this.#map.appendFile(mapLine(start, end)));
	}

	/** Forgets all that is there. Throws E_WRITE. */
	async discard(): Promise<void> {
		this.have = new Ranges();
		await onDisk(`${this.path}.map`, this.#map.appendFile(FORGET));
		await onDisk(this.path, this.file.truncate(0));
	}

	/** Gives the whole part its name, so that it survives a power cut, and closes it. Throws E_WRITE. */
	async finish(size: number): Promise<void> {
		await onDisk(this.path, this.file.truncate(size));
		await onDisk(this.path, this.file.datasync());
		await this.close();
		await onDisk(this.to, rename(this.path, this.to));
		await onDisk(this.to, syncDir(dirname(this.to)));
		await rm(`${this.path}.map`, { force: true });
	}

	/** Closes it; what is there is kept for another run. */
	async close(): Promise<void> {
		await Promise.allSettled([this.file.close(), this.#map.close()]);
	}
}

/**
 * Writes the map of what is there anew and opens it for more: a torn line at its end must not run into the next one. By rename, since
 * a kill in between would lose all that is there.
 */
async function beginMap(path: string, sha256: string, have: Ranges): Promise<FileHandle> {
	const map = await open(`${path}.new`, 'w');
	try {
		await map.appendFile(mapHead(sha256) + have.list.map(({ start, end }) => mapLine(start, end)).join(''));
		await map.datasync();
		await rename(`${path}.new`, path);
		return map;
	} catch (error) {
		await map.close();
		throw error;
	}
}

function beginning(size: number): Ranges {
	const have = new Ranges();
	have.add({ start: 0, end: size });
	return have;
}

function without(pieces: readonly Buffer[], bytes: number): Buffer[] {
	let left = bytes;
	return pieces.flatMap((piece) => {
		const gone = Math.min(left, piece.length);
		left -= gone;
		return gone === piece.length ? [] : [piece.subarray(gone)];
	});
}

/** Makes the names in a folder survive a power cut. */
async function syncDir(path: string): Promise<void> {
	const dir = await open(path);
	try {
		await dir.sync();
	} finally {
		await dir.close();
	}
}
