import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LabFile } from './tree.ts';

/** Writes files below `root`. */
export function writeFiles(root: string, files: readonly LabFile[]): void {
	for (const { path, text, mode } of files) {
		const full = join(root, path);
		mkdirSync(dirname(full), { recursive: true });
		// One that is there may be read-only.
		rmSync(full, { force: true });
		writeFileSync(full, text);
		chmodSync(full, mode);
	}
}
