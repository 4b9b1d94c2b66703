import { expect, test } from 'vitest';
import type { RunEvent } from '../../src/report/events.ts';
import { ndjsonRenderer } from '../../src/report/ndjson.ts';

test('every event is one line of JSON, whatever it holds', async () => {
	const events: RunEvent[] = [
		{ kind: 'plan', run: 'run-1', host: 'db1', title: 'two\nlines', steps: [] },
		{ kind: 'step', id: 'check', status: 'failed', detail: 'E_STEP' },
		{ kind: 'progress', id: 'fetch', done: 1, total: null, rate: 0 },
		{ kind: 'log', id: 'check', line: '\x1b[31m"red"\u2028\x9b2J\x7f' },
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
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
	expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
	expect(lines.map((line) => JSON.parse(line))).toEqual(events);
});
