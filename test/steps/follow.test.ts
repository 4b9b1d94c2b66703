import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/report/events.ts';
import type { StepContext } from '../../src/steps/context.ts';
import { followJob } from '../../src/steps/host-job.ts';
import { makeStep } from '../host/host-program.ts';

/** A host whose job has written `log`, of which each look shows `piece` bytes more; it ends when all is shown. */
function hostWith(log: Buffer, piece: number): { context: StepContext; events: RunEvent[] } {
	const events: RunEvent[] = [];
	let shown = 0;
	const host = {
		poll: async (_step: string, _attempt: number, offset: number) => {
			shown = Math.min(shown + piece, log.length);
			const state = shown === log.length ? 'ok' : 'running';
			return { attempt: 1, state, rc: 0, measured: [shown, log.length], log: log.subarray(offset, shown) };
		},
	};
	const context = { host, emit: (event: RunEvent) => events.push(event), signal: new AbortController().signal } as unknown as StepContext;
	return { context, events };
}

describe('a job that is followed', () => {
	test.each([1, 2, 3, 5, 100])('tells each line of its log once and whole, looked at every %i bytes', async (piece) => {
		const log = Buffer.concat([Buffer.from('ünï\n€uro\n'), Buffer.from([0xff, 0xfe, 10]), Buffer.from('last')]);
		const { context, events } = hostWith(log, piece);
		const { state, tail } = await followJob(makeStep('copy', []), context, 1);
		expect(state).toBe('ok');
		const lines = events.flatMap((event) => (event.kind === 'log' ? [event.line] : []));
		expect(lines).toEqual(['ünï', '€uro', '\ufffd\ufffd', 'last']);
		expect(tail).toBe(lines.join('\n'));
	});

	test('tells the bytes done and in all', async () => {
		const { context, events } = hostWith(Buffer.alloc(10, 'x'), 5);
		await followJob(makeStep('copy', []), context, 1);
		const told = events.flatMap((event) => (event.kind === 'progress' ? [[event.done, event.total]] : []));
		expect(told).toEqual([
			[5, 10],
			[10, 10],
		]);
	});
});
