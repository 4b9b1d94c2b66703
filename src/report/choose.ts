import type { Renderer } from './events.ts';
import { liveRenderer } from './live.ts';
import { ndjsonRenderer } from './ndjson.ts';
import { plainRenderer } from './plain.ts';

/** Lines the live list needs besides one a step: its title, the last line of each step that runs, the cursor's own. */
const MARGIN = 6;
/** Narrower than this, titles would be cut in the live list. */
const COLUMNS = 60;

/**
 * JSON lines when asked; the live list on a terminal with room for it; plain lines otherwise, also with NO_COLOR or a
 * dumb terminal. `rows`, `columns`: of the terminal; `steps`: how many the plan has.
 */
export function chooseRenderer(place: {
	json: boolean;
	stdout: NodeJS.WriteStream;
	rows: number;
	columns: number;
	steps: number;
	env?: NodeJS.ProcessEnv;
}): Renderer {
	const { json, stdout, rows, columns, steps, env = process.env } = place;
	const write = (text: string): void => void stdout.write(text);
	if (json) return ndjsonRenderer(write);
	if (!stdout.isTTY) return plainRenderer(write);
	const drawable = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
	if (drawable && rows >= steps + MARGIN && columns >= COLUMNS) return liveRenderer(stdout);
	return plainRenderer(write, columns);
}
