import { expect, test } from 'vitest';
import type { RunEvent } from '../../src/report/events.ts';
import { ndjsonRenderer } from '../../src/report/ndjson.ts';

test('every event is one line of JSON, whatever it holds', async () => {
	const events: RunEvent[] = [
		{ kind: 'plan', run: 'run-1', host: 'db1', title: 'two\nlines', steps: [] },
		{ kind: 'step', id: 'check', status: 'failed', detail: 'E_STEP' },
		{ kind: 'progress', id: 'fetch', done: 1, total: null, rate: 0 },
		{ kind: 'log', id: 'check', line: '\x1b[31m"red"\u2028' },
		{ kind: 'notice', text: 'connected again' },
		{ kind: 'end', status: 'done', lines: ['a', 'b'] },
	];
	let text = '';
	const renderer = ndjsonRenderer((part) => {
		text += part;
	});
	for (const event of events) renderer.event(event);
	await renderer.close();
	const lines = text.split('\n');
	expect(lines.pop()).toBe('');
	expect(lines.map((line) => JSON.parse(line))).toEqual(events);
});
