import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Renderer } from '../../src/report/events.ts';
import { plainRenderer } from '../../src/report/plain.ts';

let text = '';
let renderer: Renderer;

function start(columns?: number): void {
	text = '';
	renderer = plainRenderer((part) => {
		text += part;
	}, columns);
}

beforeEach(() => {
	vi.useFakeTimers();
	start();
});
afterEach(async () => {
	await renderer.close();
	vi.useRealTimers();
});

describe('plain lines', () => {
	test('tell a run from its plan to its end, a line an event', () => {
		renderer.event({ kind: 'plan', run: 'run-1', host: 'db1', title: 'db1: 7.7 to 7.8', steps: [{ id: 'check', title: 'Look' }] });
		renderer.event({ kind: 'step', id: 'check', status: 'running' });
		renderer.event({ kind: 'log', id: 'check', line: 'fine' });
		renderer.event({ kind: 'step', id: 'check', status: 'failed', detail: 'E_STEP' });
		renderer.event({ kind: 'notice', text: 'connected again' });
		renderer.event({ kind: 'end', status: 'failed', lines: ['to go on: bsdup resume run-1'] });
		expect(text).toBe(
			`${[
				'db1: 7.7 to 7.8',
				'run-1: 1 steps on db1',
				'running  check',
				'         check| fine',
				'failed   check: E_STEP',
				'connected again',
				'failed',
				'to go on: bsdup resume run-1',
			].join('\n')}\n`,
		);
	});

	test('show progress with bytes, rate and time left, once in five seconds a step, and always at the end', () => {
		const tell = (id: string, done: number): void => renderer.event({ kind: 'progress', id, done, total: 4096, rate: 1024 });
		tell('fetch', 1024);
		tell('fetch', 1500);
		tell('backup', 2048);
		vi.advanceTimersByTime(5_000);
		tell('fetch', 3072);
		tell('fetch', 4096);
		expect(text.trimEnd().split('\n')).toEqual([
			'         fetch: 1.0 KiB of 4.0 KiB, 1.0 KiB/s, 3s left',
			'         backup: 2.0 KiB of 4.0 KiB, 1.0 KiB/s, 2s left',
			'         fetch: 3.0 KiB of 4.0 KiB, 1.0 KiB/s, 1s left',
			'         fetch: 4.0 KiB of 4.0 KiB, 1.0 KiB/s, 0s left',
		]);
	});

	test('give a sign of life when nothing was said for 30 seconds, with what still runs and for how long', () => {
		renderer.event({ kind: 'step', id: 'backup', status: 'running' });
		vi.advanceTimersByTime(29_000);
		expect(text).toBe('running  backup\n');
		vi.advanceTimersByTime(1_000);
		expect(text).toBe('running  backup\nstill    backup (30s)\n');
		renderer.event({ kind: 'log', id: 'backup', line: 'etc' });
		vi.advanceTimersByTime(29_000);
		expect(text.match(/still/g)).toHaveLength(1);
		vi.advanceTimersByTime(1_000);
		expect(text).toMatch(/still {4}backup \(1m00s\)\n$/);
	});

	test('are silent when no step runs, and after the end', async () => {
		renderer.event({ kind: 'step', id: 'backup', status: 'running' });
		renderer.event({ kind: 'step', id: 'backup', status: 'done' });
		vi.advanceTimersByTime(120_000);
		expect(text).toBe('running  backup\ndone     backup\n');
		renderer.event({ kind: 'step', id: 'zone', status: 'running' });
		await renderer.close();
		vi.advanceTimersByTime(120_000);
		expect(text).not.toContain('still');
		expect(vi.getTimerCount()).toBe(0);
	});

	test('fit 40 columns, but what may be copied stays whole', () => {
		start(40);
		const path = `/var/db/bsdup/run-20261124000000-db1/${'x'.repeat(30)}`;
		renderer.event({ kind: 'progress', id: 'fetch', done: 12_897_485, total: 41_943_040, rate: 5_242_880 });
		renderer.event({ kind: 'notice', text: `db1 does not answer; what runs there goes on; trying again: sh ${path}` });
		renderer.event({ kind: 'log', id: 'fetch', line: 'a line of the host that is longer than forty columns are' });
		const lines = text.trimEnd().split('\n');
		expect(lines.at(-1)).toBe('         fetch| a line of the host that is longer than forty columns are');
		renderer.event({
			kind: 'notice',
			text: '   then, in a shell, what unpacks the base set:\n     cd /mnt/usr/rel && tar -C /mnt -xzphf base78.tgz',
		});
		expect(text).toMatch(/set:\n {5}cd \/mnt\/usr\/rel && tar -C \/mnt -xzphf base78\.tgz\n$/);
		const own = lines.slice(0, -1);
		expect(own.filter((line) => line.length > 40 && !line.includes(path))).toEqual([]);
		expect(own.map((line) => line.trim())).toContain(path);
		expect(own.slice(0, 2)).toEqual(['         fetch: 12.3 MiB of 40.0 MiB,', '           5.0 MiB/s, 6s left']);
	});

	test('pass no escape sequence or control character of a host on, and keep the last drawing of a progress bar', () => {
		renderer.event({ kind: 'log', id: 'fetch', line: '\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m\x08' });
		renderer.event({ kind: 'log', id: 'fetch', line: ' 10% |*  |\r100% |***|\r' });
		expect(text).toBe('         fetch| red\n         fetch| 100% |***|\n');
	});

	test('pass none on in what they say of a host either: a failure, a notice, a report', () => {
		renderer.event({ kind: 'step', id: 'keep', status: 'failed', detail: '\x1b[2Jno \x9b31mroom' });
		renderer.event({ kind: 'notice', text: 'one\x1b]0;title\x07\ntwo\x08' });
		renderer.event({ kind: 'end', status: 'failed', lines: ['\x1b[8mhidden'] });
		expect(text).toBe('failed   keep: no room\none\ntwo\nfailed\nhidden\n');
	});
});
