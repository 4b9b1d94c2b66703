import type { Renderer } from './events.ts';

/** One event a line, for programs. */
export function ndjsonRenderer(write: (text: string) => void): Renderer {
	return {
		event: (event) => write(`${JSON.stringify(event)}\n`),
		async close() {},
	};
}
