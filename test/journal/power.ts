import type * as Fs from 'node:fs';
import { join } from 'node:path';

/**
 * What a power cut would leave of a directory. Only what was synced is sure: a file's bytes by fsync of the file, names by fsync of
 * their directory (fsync(2) promises no more). The system may have written a name sooner by itself, so each is looked at both ways.
 */
export class Power {
	readonly #fs: typeof Fs;
	readonly #bytes = new Map<number, string>();
	readonly #names = new Map<string, Map<string, number>>();
	/** Called after each operation that changes the disk. */
	onOperation: () => void = () => {};
	/** The number of the fsync that does nothing, counted from 1; 0 = all work. */
	broken = 0;
	/** How many there were since `count`. */
	syncs = 0;
	#counting = false;

	constructor(fs: typeof Fs) {
		this.#fs = fs;
	}

	/** From here on each fsync is one that is looked at. */
	count(): void {
		this.#counting = true;
	}

	/** node:fs with the operations told. */
	door(): typeof Fs {
		const fs = this.#fs;
		const told =
			<A extends unknown[], R>(act: (...args: A) => R) =>
			(...args: A): R => {
				const result = act(...args);
				this.onOperation();
				return result;
			};
		return {
			...fs,
			...{ openSync: told(fs.openSync), writeSync: told(fs.writeSync as typeof fs.writeSync), renameSync: told(fs.renameSync) },
			...{ linkSync: told(fs.linkSync), rmSync: told(fs.rmSync), mkdirSync: told(fs.mkdirSync), ftruncateSync: told(fs.ftruncateSync) },
			fsyncSync: told((fd: number) => {
				fs.fsyncSync(fd);
				if (this.#counting) this.syncs++;
				if (!this.#counting || this.syncs !== this.broken) this.#keep(fd);
			}),
		} as typeof Fs;
	}

	/** What a file holds after a cut now: undefined where it is gone. `eager`: names are on the disk without any sync. */
	left(top: string, path: string, eager: boolean): string | undefined {
		let dir = top;
		const parts = path.split('/');
		for (const [index, part] of parts.entries()) {
			const ino = eager ? this.#fs.statSync(join(dir, part), { throwIfNoEntry: false })?.ino : this.#names.get(dir)?.get(part);
			if (ino === undefined) return undefined;
			if (index === parts.length - 1) return this.#bytes.get(ino) ?? '';
			dir = join(dir, part);
		}
		return undefined;
	}

	#keep(fd: number): void {
		const fs = this.#fs;
		const path = fs.readlinkSync(`/proc/self/fd/${fd}`);
		const stat = fs.fstatSync(fd);
		if (!stat.isDirectory()) this.#bytes.set(stat.ino, fs.readFileSync(`/proc/self/fd/${fd}`, 'utf8'));
		else this.#names.set(path, new Map(fs.readdirSync(path).map((name) => [name, fs.lstatSync(join(path, name)).ino])));
	}
}
