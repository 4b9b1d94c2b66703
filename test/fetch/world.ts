import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DownloadRequest, download, type FileToFetch } from '../../src/fetch/download.ts';

/** What tests of the fetch engine share: mirrors' folders and a folder to fetch into. */

export interface Fetched {
	/** The code of the error, or null. */
	code: string | null;
	message: string;
	/** What was told about mirrors, one line each. */
	notices: string[];
	/** Mirrors that bytes came from, by file. */
	from: Map<string, Set<string>>;
}

/** Waits of tests: short ones. */
export const SHORT = { stallMs: 400, leastRate: 20_000, windowMs: 800, pauseMs: 20 };

export class FetchWorld {
	readonly top = mkdtempSync('/tmp/bsdup-fetch-');
	readonly to = join(this.top, 'to');
	readonly contents = new Map<string, Buffer>();

	/** `sizes`: bytes of each file, which holds random ones. */
	constructor(sizes: Record<string, number>) {
		mkdirSync(this.to);
		for (const [name, size] of Object.entries(sizes)) this.contents.set(name, randomBytes(size));
	}

	/** The folder of a mirror that holds all files, some of them changed or (null) left out. */
	mirror(name: string, change: Record<string, ((bytes: Buffer) => Buffer) | null> = {}): string {
		const dir = join(this.top, name);
		mkdirSync(dir, { recursive: true });
		for (const [file, bytes] of this.contents) {
			const how = change[file];
			if (how !== null) writeFileSync(join(dir, file), how === undefined ? bytes : how(bytes));
		}
		return dir;
	}

	bytes(name: string): Buffer {
		return this.contents.get(name) ?? Buffer.alloc(0);
	}

	/** All files, each on these mirrors. */
	files(...mirrors: string[]): FileToFetch[] {
		return [...this.contents].map(([name, bytes]) => ({
			name,
			urls: mirrors.map((mirror) => `${mirror}/${name}`),
			sha256: createHash('sha256').update(bytes).digest('hex'),
			size: bytes.length,
		}));
	}

	/** Empties the folder that is fetched into. */
	empty(): void {
		rmSync(this.to, { recursive: true, force: true });
		mkdirSync(this.to);
	}

	async fetch(mirrors: readonly string[], more: Partial<DownloadRequest> = {}): Promise<Fetched> {
		const fetched: Fetched = { code: null, message: '', notices: [], from: new Map() };
		try {
			await download({
				files: this.files(...mirrors),
				dir: this.to,
				patience: SHORT,
				onMirror: (mirror, notice) => fetched.notices.push(`${mirror} ${notice}`),
				onBytes: (name, _done, _total, mirror) => fetched.from.set(name, (fetched.from.get(name) ?? new Set()).add(mirror)),
				...more,
			});
		} catch (error) {
			fetched.code = (error as { code?: string }).code ?? String(error);
			fetched.message = (error as Error).message;
		}
		return fetched;
	}

	/** Names of files with a final name whose bytes are not right; those that are absent count only where `all`. */
	wrong(all: boolean): string[] {
		const there = readdirSync(this.to);
		return [...this.contents.keys()].filter((name) =>
			there.includes(name) ? !readFileSync(join(this.to, name)).equals(this.bytes(name)) : all,
		);
	}

	/** What lies beside the files: parts, maps, locks. */
	litter(): string[] {
		return readdirSync(this.to).filter((name) => !this.contents.has(name));
	}

	remove(): void {
		rmSync(this.top, { recursive: true, force: true, maxRetries: 5 });
	}
}
