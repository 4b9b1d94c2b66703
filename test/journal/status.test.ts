import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/journal/line.ts';
import { statusLines, statusOf } from '../../src/journal/status.ts';
import { buildPlan, goingOn } from '../../src/plan/build.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from '../plan/make.ts';

const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions(), 'in-place');
const step = (id: string, status: 'running' | 'done' | 'failed' | 'waiting' | 'undone'): Entry => ({
	...{ t: 1, kind: 'step', id, status, attempt: 1, detail: '' },
});
const begin: Entry = { t: 0, kind: 'begin', plan: plan.hash, controller: 'me' };
const linesOf = (entries: Entry[]): string[] => statusLines(plan, statusOf(plan, entries));

describe('the status of a run', () => {
	test('tells each step, what comes next and how to go on', () => {
		const lines = linesOf([begin, step('check', 'done'), step('backup', 'running')]);
		expect(lines).toContain('done     check            Look for what would go wrong');
		expect(lines.find((line) => line.includes(' backup '))).toMatch(/^running/);
		expect(lines.find((line) => line.includes(' zone '))).toMatch(/^to do/);
		expect(lines.at(-1)).toBe(`Next: backup. To go on: bsdup resume ${plan.run}`);
	});

	test('tells a failed step, and that a resumed run has begun again', () => {
		const failed: Entry[] = [begin, step('check', 'failed')];
		expect(linesOf(failed)).toContain(`run ${plan.run}: failed`);
		expect(linesOf([...failed, begin])).toContain(`run ${plan.run}: begun`);
	});

	test('tells a run that goes back, and one that has gone, with what ends it or begins a new one', () => {
		const back: Entry[] = [begin, step('quiesce', 'done'), begin, step('quiesce', 'undone')];
		expect(linesOf(back).at(-1)).toBe(`It is being taken back. To end that: bsdup rollback ${plan.run}`);
		const gone = linesOf([...back, { t: 9, kind: 'end', status: 'rolled-back', detail: '' }]);
		expect(gone).toContain(`run ${plan.run}: rolled-back`);
		expect(gone.at(-1)).toMatch(/^It was taken back\. A new run: bsdup upgrade/);
	});

	test('of a finished run holds the report of the host and how long it was away', () => {
		const lines = linesOf([
			begin,
			{ t: 2, kind: 'verdict', id: 'zone', verdict: 'rebooted', downMs: 12_340 },
			{ t: 3, kind: 'end', status: 'done', detail: '---- /etc/ssh/sshd_config unhandled\nproven: all' },
		]);
		expect(lines.slice(-5)).toEqual([
			'host1.example.org runs OpenBSD 7.8.',
			'---- /etc/ssh/sshd_config unhandled',
			'proven: all',
			'down for 12.3 s: Kernel, sets, base last, reboot',
			'Nothing is left to do.',
		]);
	});

	test('of a finished run that is the first of several hops says how to go on to the next', () => {
		const more = goingOn(plan, { request: { to: '7.9' }, hops: [{ to: '7.9', list: null, text: '' }] });
		const entries: Entry[] = [begin, { t: 3, kind: 'end', status: 'done', detail: '' }];
		expect(statusLines(more, statusOf(more, entries)).at(-1)).toBe(
			`After it comes the hop to 7.9. To go on with that: bsdup resume ${plan.run}`,
		);
	});
});
