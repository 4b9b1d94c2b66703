import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Renderer } from '../../src/report/events.ts';
import { liveRenderer } from '../../src/report/live.ts';
import { Screen } from './screen.ts';

const PATIENCE = { timeout: 5_000 };

let screen: Screen;
let renderer: Renderer;
let signals = 0;
const warnings: Error[] = [];
const onWarning = (warning: Error): void => void warnings.push(warning);

beforeEach(async () => {
	warnings.length = 0;
	process.on('warning', onWarning);
	signals = process.listenerCount('SIGINT');
	screen = new Screen(30, 80);
	renderer = liveRenderer(screen.stream());
	renderer.event({
		kind: 'plan',
		run: 'run-1',
		host: 'db1',
		title: 'db1: 7.7 to 7.8',
		steps: [
			{ id: 'backup', title: 'Back up' },
			{ id: 'fetch', title: 'Fetch the sets' },
			{ id: 'zone', title: 'Kernel, sets, base last' },
		],
	});
	await expect.poll(() => screen.text(), PATIENCE).toContain('Kernel');
});
afterEach(async () => {
	await renderer.close();
	process.off('warning', onWarning);
	expect(warnings).toEqual([]);
});

/** The mark before a row's title. */
const mark = (title: string): string | undefined => new RegExp(`^(\\S) ${title}`, 'm').exec(screen.text())?.[1];

describe('the live list', () => {
	test('shows a step as running only when the run says so', async () => {
		const waiting = mark('Fetch the sets');
		renderer.event({ kind: 'step', id: 'backup', status: 'running' });
		await expect.poll(() => mark('Back up'), PATIENCE).not.toBe(waiting);
		expect(mark('Fetch the sets')).toBe(waiting);
		expect(mark('Kernel, sets, base last')).toBe(waiting);
	});

	test('shows bytes, rate and time left under the step', async () => {
		renderer.event({ kind: 'step', id: 'fetch', status: 'running' });
		await expect.poll(() => screen.text(), PATIENCE).toContain('Fetch the sets');
		renderer.event({ kind: 'progress', id: 'fetch', done: 2048, total: 4096, rate: 1024 });
		await expect.poll(() => screen.text(), PATIENCE).toContain('2.0 KiB of 4.0 KiB, 1.0 KiB/s, 2s left');
	});

	test('shows the titles of a plan, which may come from a host, without escape sequences', async () => {
		const other = new Screen(30, 80);
		const list = liveRenderer(other.stream());
		list.event({ kind: 'plan', run: 'run-2', host: 'db1', title: 'db1', steps: [{ id: 'fetch', title: '\x1b]0;x\x07\x9b2JFetch' }] });
		list.event({ kind: 'step', id: 'fetch', status: 'running' });
		await expect.poll(() => other.text(), PATIENCE).toContain('Fetch');
		await list.close();
		// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
		expect(other.bytes).not.toMatch(/\x1b\]|\x07|\x9b/);
	});

	test('keeps a long line of a host to one row, without its escape sequences', async () => {
		renderer.event({ kind: 'step', id: 'backup', status: 'running' });
		await new Promise((resolve) => setTimeout(resolve, 150));
		renderer.event({ kind: 'log', id: 'backup', line: `\x1b[2Jread ${'x'.repeat(300)}` });
		await expect.poll(() => screen.text(), PATIENCE).toContain('read xxx');
		expect(
			Math.max(
				...screen
					.text()
					.split('\n')
					.map((line) => line.length),
			),
		).toBeLessThanOrEqual(80);
		expect(screen.bytes).not.toContain('\x1b[2J');
	});

	test('leaves the terminal clean: the list once, the end below it, the cursor seen', async () => {
		renderer.event({ kind: 'step', id: 'backup', status: 'running' });
		renderer.event({ kind: 'step', id: 'backup', status: 'done' });
		renderer.event({ kind: 'step', id: 'fetch', status: 'already' });
		renderer.event({ kind: 'step', id: 'zone', status: 'running' });
		await new Promise((resolve) => setTimeout(resolve, 300));
		expect(screen.cursor).toBe(false);
		renderer.event({ kind: 'step', id: 'zone', status: 'done' });
		renderer.event({ kind: 'end', status: 'done', lines: ['db1 runs 7.8'] });
		await renderer.close();
		expect(screen.cursor).toBe(true);
		expect(
			screen
				.text()
				.split('\n')
				.map((line) => line.replace(/^[✔√] /, '+ ')),
		).toEqual([
			'db1: 7.7 to 7.8',
			'run-1 on db1',
			'+ Back up',
			'+ Fetch the sets (already)',
			'+ Kernel, sets, base last',
			'done',
			'db1 runs 7.8',
			'',
		]);
		const { bytes } = screen;
		await new Promise((resolve) => setTimeout(resolve, 250));
		expect(screen.bytes).toBe(bytes);
	});

	test('after a failure, marks only the failed step, and calls neither done what was not begun nor what was cut', async () => {
		const waiting = mark('Back up');
		renderer.event({ kind: 'step', id: 'backup', status: 'running' });
		renderer.event({ kind: 'step', id: 'fetch', status: 'running' });
		renderer.event({ kind: 'step', id: 'fetch', status: 'failed', detail: 'E_MIRROR' });
		renderer.event({ kind: 'end', status: 'failed', lines: [] });
		await renderer.close();
		expect(screen.text()).toContain('E_MIRROR');
		expect(mark('Fetch the sets')).toMatch(/[✖×]/);
		expect(mark('Back up \\(not finished\\)')).toBe(waiting);
		expect(mark('Kernel, sets, base last')).toBe(waiting);
	});

	test('says a notice at once, above the list, and goes on below it', async () => {
		renderer.event({ kind: 'step', id: 'zone', status: 'running' });
		await new Promise((resolve) => setTimeout(resolve, 150));
		renderer.event({ kind: 'notice', text: 'db1 does not answer' });
		expect(screen.text()).toBe('db1: 7.7 to 7.8\nrun-1 on db1\ndb1 does not answer\n');
		renderer.event({ kind: 'log', id: 'zone', line: 'unpacking' });
		await expect.poll(() => screen.text(), PATIENCE).toMatch(/does not answer\n. Back up\n/);
	});

	test('is off the screen while a person is asked, with both streams free', async () => {
		renderer.event({ kind: 'step', id: 'backup', status: 'running' });
		await new Promise((resolve) => setTimeout(resolve, 150));
		renderer.event({ kind: 'step', id: 'zone', status: 'waiting', detail: 'at the terminal' });
		expect(screen.cursor).toBe(true);
		renderer.event({ kind: 'log', id: 'backup', line: 'etc' });
		screen.stream().write('Overwrite? ');
		await new Promise((resolve) => setTimeout(resolve, 250));
		expect(screen.text()).toBe('db1: 7.7 to 7.8\nrun-1 on db1\nKernel, sets, base last (waiting: at the terminal)\nOverwrite?');
		renderer.event({ kind: 'step', id: 'zone', status: 'done' });
		await expect.poll(() => mark('Kernel, sets, base last'), PATIENCE).toMatch(/[✔√]/);
	});

	test('leaves signals to the run: while it is open none ends the process by itself, afterwards nothing is left behind', async () => {
		expect(process.listenerCount('SIGINT')).toBe(signals + 1);
		process.emit('SIGINT');
		renderer.event({ kind: 'end', status: 'waiting', lines: ['to go on: bsdup resume run-1'] });
		await renderer.close();
		expect(screen.text()).toContain('to go on: bsdup resume run-1');
		expect(process.listenerCount('SIGINT')).toBe(signals);
	});
});
