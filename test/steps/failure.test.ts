import { expect, test } from 'vitest';
import type { Entry } from '../../src/journal/line.ts';
import type { StepContext } from '../../src/steps/context.ts';
import { stepFailed } from '../../src/steps/failure.ts';
import { makeStep } from '../host/host-program.ts';
import { makeTarget } from '../plan/make.ts';

const steps = [makeStep('space', ['true']), makeStep('zone', ['true'], { kind: 'zone', danger: 'no-return' }), makeStep('merge', ['true'])];
const entry = (id: string, status: string): Entry => ({ kind: 'step', id, status, attempt: 1, detail: '' }) as unknown as Entry;

test.each([
	['before the point of no return: both', 'space', 'system', [], ['resume', 'rollback']],
	['after it: resume alone', 'merge', 'system', [entry('zone', 'done')], ['resume']],
	['while the run goes back: rollback alone', 'space.undo', 'system', [entry('space', 'undone')], ['rollback']],
	['of a backup, of which nothing is to be taken back: resume alone', 'space', 'none', [], ['resume']],
])('a step that failed names the ways on that there are, %s', (_, id, target, entries, ways) => {
	const plan = { run: 'run-1', dir: '/var/db/bsdup/run-1', recovery: '', steps, target: target === 'none' ? null : makeTarget('7.8') };
	const { next } = stepFailed({ plan, journal: { entries } } as unknown as StepContext, makeStep(id, ['true']), 'ended with status 1');
	expect(next.flatMap((line) => /^bsdup (\w+) run-1/.exec(line)?.[1] ?? [])).toEqual(ways);
});
