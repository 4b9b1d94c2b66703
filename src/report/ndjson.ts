import { cleanJson } from './clean.ts';
import type { Renderer } from './events.ts';

/** One event a line, for programs. */
export function ndjsonRenderer(write: (text: string) => void): Renderer {
	return {
		event: (event) => write(`${cleanJson(JSON.stringify(event))}\n`),
		async close() {},
	};
}
