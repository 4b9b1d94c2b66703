import { createHash } from 'node:crypto';
import { readAll } from './source.ts';

/**
 * Reads the pinned list again, on each mirror until one has it still. `same`: one has; `moved`: those that answer have another;
 * `unknown`: none answers. Nothing of another list is believed or used.
 */
export async function listNow(urls: readonly string[], sha256: string): Promise<'same' | 'moved' | 'unknown'> {
	let answer: 'moved' | 'unknown' = 'unknown';
	for (const url of urls) {
		try {
			if (
				createHash('sha256')
					.update(await readAll(url))
					.digest('hex') === sha256
			)
				return 'same';
			answer = 'moved';
		} catch {
			// It tells nothing; the next one may.
		}
	}
	return answer;
}
