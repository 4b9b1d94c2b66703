import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LabFile } from '../lab/tree.ts';

/** Reads files below `root` as text: by their paths, `not there` for one that cannot be read. */
export function readerOf(root: string): (path: string) => string {
	return (path) => {
		try {
			return readFileSync(join(root, path), 'utf8');
		} catch {
			return 'not there';
		}
	};
}

/** In what the files below `root` are not those that were shipped, by text and mode; `by` names who shipped them. */
export function shippedDifferences(root: string, shipped: readonly LabFile[], by: string): string[] {
	const text = readerOf(root);
	return shipped.flatMap((file) => {
		const mode = (statSync(join(root, file.path), { throwIfNoEntry: false })?.mode ?? 0) & 0o7777;
		return [
			...(text(file.path) === file.text ? [] : [`${file.path} is not the ${by}'s`]),
			...(mode === file.mode ? [] : [`${file.path} has mode ${mode.toString(8)}`]),
		];
	});
}
