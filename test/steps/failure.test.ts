import { expect, test } from 'vitest';
import { BsdupError } from '../../src/errors.ts';
import type { Entry } from '../../src/journal/line.ts';
import type { StepContext } from '../../src/steps/context.ts';
import { keepsHost, stepFailed } from '../../src/steps/failure.ts';
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

test.each([
	['of an upgrade: both', { code: 'E_BACKUP_SPACE', next: ['another --backup-here DIR'] }, 'system', [], ['resume', 'rollback']],
	['after the point of no return: resume alone', { code: 'E_CHANNEL', next: [] }, 'system', [entry('zone', 'done')], ['resume']],
	['of a backup, which lets the host go: none', { code: 'E_BACKUP_SPACE', next: ['another --backup-here DIR'] }, 'none', [], []],
	['of a snapshot that moved, which lets the host go: none', { code: 'E_SNAPSHOT_MOVED', next: ['bsdup upgrade'] }, 'system', [], []],
	['that names its own already: none more', { code: 'E_NOT_BACK', next: ['bsdup resume run-1'] }, 'system', [], ['resume']],
])('what a step met is told with the ways on that the run has, %s', (_, { code, next }, target, entries, ways) => {
	const plan = { run: 'run-1', steps, target: target === 'none' ? null : makeTarget('7.8') };
	const told = keepsHost(new BsdupError({ code, message: 'so', next }), { plan, journal: { entries } } as unknown as StepContext);
	expect(told.next.slice(0, next.length)).toEqual(next);
	expect(told.next.flatMap((line) => /^bsdup (\w+) run-1/.exec(line)?.[1] ?? [])).toEqual(ways);
});
