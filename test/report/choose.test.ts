import { afterEach, describe, expect, test } from 'vitest';
import { chooseRenderer } from '../../src/report/choose.ts';
import type { Renderer, RunEvent } from '../../src/report/events.ts';
import { Screen } from './screen.ts';

const PLAN: RunEvent = {
	kind: 'plan',
	run: 'run-1',
	host: 'db1',
	title: 'db1: 7.7 to 7.8',
	steps: [
		{ id: 'check', title: 'Look first' },
		{ id: 'fetch', title: 'Fetch the sets' },
	],
};

const open: Renderer[] = [];
afterEach(async () => {
	for (const renderer of open.splice(0)) await renderer.close();
});

/** Which renderer it is, told by what it writes. */
async function chosen(place: {
	live?: boolean;
	json?: boolean;
	tty?: boolean;
	rows?: number;
	columns?: number;
	steps?: number;
	env?: NodeJS.ProcessEnv;
}) {
	const { json = false, tty = true, rows = 40, columns = 100, steps = 2, env = {} } = place;
	const screen = new Screen(rows, columns);
	const stdout = Object.assign(screen.stream(), { isTTY: tty });
	const renderer = chooseRenderer({ json, stdout, rows, columns, steps, env });
	open.push(renderer);
	renderer.event(PLAN);
	await expect.poll(() => screen.bytes).not.toBe('');
	// The live list draws a moment later.
	for (let i = 0; i < (place.live === true ? 50 : 3) && !screen.bytes.includes('\x1b'); i++)
		await new Promise((resolve) => setTimeout(resolve, 100));
	if (screen.bytes.startsWith('{')) return 'json';
	return screen.bytes.includes('\x1b') ? 'live' : 'plain';
}

describe('the renderer', () => {
	test('is the live list on a terminal with room for it', async () => {
		expect(await chosen({ live: true })).toBe('live');
	});
	test('is JSON lines with --json, on a terminal too', async () => {
		expect(await chosen({ json: true })).toBe('json');
		expect(await chosen({ json: true, tty: false })).toBe('json');
	});
	test.each([
		['without a terminal', { tty: false }],
		['where the steps would not fit the rows', { rows: 24, steps: 22 }],
		['where the rows are not known', { rows: 0 }],
		['on 40 columns', { columns: 40 }],
		['with NO_COLOR', { env: { NO_COLOR: '1' } }],
		['on a dumb terminal', { env: { TERM: 'dumb' } }],
	])('is plain lines %s', async (_where, place) => {
		expect(await chosen(place)).toBe('plain');
	});
	test('takes an empty NO_COLOR for none', async () => {
		expect(await chosen({ live: true, env: { NO_COLOR: '' } })).toBe('live');
	});
});
