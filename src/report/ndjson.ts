import type { Renderer } from './events.ts';

/** JSON lets these through, and a terminal that shows the line would obey them. */
const CONTROLS = /[\x7f-\x9f]/g;

/** One event a line, for programs. */
export function ndjsonRenderer(write: (text: string) => void): Renderer {
	const escaped = (char: string): string => `\\u00${char.charCodeAt(0).toString(16)}`;
	return {
		event: (event) => write(`${JSON.stringify(event).replace(CONTROLS, escaped)}\n`),
		async close() {},
	};
}
