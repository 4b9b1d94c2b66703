import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file to write: a text, or an archive that lies in an archive. A path that ends in / is a directory. */
export interface Content {
	path: string;
	text: string | Buffer;
	mode: number;
}

/** Writes files below `root`. */
export function writeFiles(root: string, files: readonly Content[]): void {
	for (const { path, text, mode } of files) {
		const full = join(root, path);
		mkdirSync(dirname(full), { recursive: true });
		if (path.endsWith('/')) {
			mkdirSync(full, { recursive: true });
			continue;
		}
		// One that is there may be read-only.
		rmSync(full, { force: true });
		writeFileSync(full, text);
		chmodSync(full, mode);
	}
}
