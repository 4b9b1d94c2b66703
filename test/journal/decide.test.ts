import { describe, expect, test } from 'vitest';
import { decide, isDone, type Known } from '../../src/journal/decide.ts';
import { explain, explainLines } from '../../src/journal/explain.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { Entry } from '../../src/journal/line.ts';
import { statusOf } from '../../src/journal/status.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import { run } from '../../src/run/run.ts';
import type { StepContext } from '../../src/steps/context.ts';
import { makeStep } from '../host/host-program.ts';
import { atTerminal } from '../steps/at-terminal.ts';
import { plan } from './folder.ts';

const entry = (id: string, status: 'running' | 'done' | 'failed' | 'waiting' | 'undone', t = 1_764_000_000_000): Entry => ({
	...{ t, kind: 'step', id, status, attempt: 1, detail: '' },
});

/** Carries a run of one step on a host that records `known`; returns what was called, in order, lines of the journal included. */
async function carried(step: Step, known: Known, before: Entry[], holds: { done?: boolean; proof?: boolean } = {}): Promise<string[]> {
	const calls: string[] = [];
	const entries = [...before];
	const call = (name: string) => async (): Promise<void> => void calls.push(name);
	const look = { attempt: 1, state: 'ok', rc: 0, measured: [], log: Buffer.alloc(0) };
	const answer =
		<T>(name: string, value: T) =>
		async (): Promise<T> => {
			calls.push(name);
			return value;
		};
	const journal: Journal = {
		...{ entries, cut: false, close: () => {} },
		append: (line) => {
			entries.push({ t: 0, ...line } as Entry);
			if (line.kind === 'step') calls.push(`journal ${line.status}${line.status === 'running' ? ` ${line.attempt}` : ''}`);
		},
	};
	const host = {
		...{ install: async () => {}, hold: async () => {}, release: async () => {}, report: async () => [] },
		states: async () => new Map([[step.id, { ...known, rc: 0 }]]),
		settle: answer('test', holds.done ?? false),
		proven: answer('proof', holds.proof ?? true),
		start: answer('start', look),
		poll: answer('follow', look),
		...{ attended: answer('terminal', true), consented: call('record') },
	};
	const context = {
		...{ plan: { ...plan, steps: [step] }, host, journal, emit: () => {}, signal: new AbortController().signal },
		...{ transport: { name: 'db1' }, link: { run: async () => ({ stdout: '' }) }, confirm: answer('ask', true), pauseAtReboot: false },
		carrier: { who: 'me', gone: [], takeOver: false },
	} as unknown as StepContext;
	// A step that fails is in the journal too.
	await run(context).catch(() => {});
	return calls;
}

describe('a resume weighs the record of the host, the journal and the own test of a step', () => {
	const plain = makeStep('a', []);
	const tested = makeStep('a', [], { done: 'true' });
	const acting = makeStep('a', [], { danger: 'disruptive' });
	const provable = makeStep('a', [], { danger: 'disruptive', proof: 'true' });
	const says = (state: Known['state']): Known => ({ attempt: state === 'none' ? 0 : 1, state });
	const done = [entry('a', 'done')];

	test.each<[what: string, step: Step, known: Known, before: Entry[], holds: { done?: boolean; proof?: boolean }, calls: string[]]>([
		['done by the record and the journal: skipped', tested, says('ok'), done, {}, []],
		['done by the record, not told by the journal: told', plain, says('ok'), [entry('a', 'running')], {}, ['journal already']],
		['done by the record, the journal lost: told', plain, says('already'), [], {}, ['journal already']],
		['running: followed, nothing begun', tested, says('running'), [], {}, ['follow', 'journal done']],
		['cut, its test holds: not begun', tested, says('lost'), [], { done: true }, ['test', 'journal already']],
		['cut, its test fails: the next attempt', tested, says('lost'), [], {}, ['test', 'journal running 2', 'start', 'journal done']],
		['the journal says done, its test does not', tested, says('none'), done, {}, ['test', 'journal running 1', 'start', 'journal done']],
		['cut, without a test: the next attempt', plain, says('lost'), [], {}, ['journal running 2', 'start', 'journal done']],
		['a look done by the journal, of which just the status was lost: recorded', plain, says('lost'), done, {}, ['record']],
		['done by the journal alone, must not act twice: recorded', acting, says('none'), done, {}, ['record']],
		['done by the journal alone, proven: recorded', provable, says('lost'), done, {}, ['proof', 'record']],
		[
			'done by the journal alone, its proof fails',
			provable,
			says('none'),
			done,
			{ proof: false },
			['proof', 'journal running 1', 'start', 'proof', 'journal failed'],
		],
		[
			'begun by the journal alone: begun',
			acting,
			says('none'),
			[entry('a', 'running')],
			{},
			['journal running 1', 'start', 'journal done'],
		],
		['done by the journal alone, only looks: looks again', plain, says('none'), done, {}, ['journal running 1', 'start', 'journal done']],
		[
			'a yes that is not recorded: asked',
			makeStep('a', [], { kind: 'confirm' }),
			says('none'),
			done,
			{},
			['journal running 1', 'ask', 'record', 'journal done'],
		],
		[
			'a person merges: told before',
			makeStep('a', [], { attended: true }),
			says('none'),
			[],
			{},
			['journal waiting', 'terminal', 'journal done'],
		],
	])('%s', async (_what, step, known, before, holds, calls) => {
		atTerminal(true);
		expect(await carried(step, known, before, holds)).toEqual(calls);
		// What is said before is what is done then.
		const { act } = decide(step, known, before.at(-1) === done[0]);
		const first = {
			skip: calls[0],
			follow: 'follow',
			trust: step.proof === '' ? 'record' : 'proof',
			test: 'test',
			fetch: '',
			ask: 'journal running 1',
			begin: calls[0],
		};
		expect(calls[0]).toBe(first[act]);
	});
});

describe('a run that goes back', () => {
	const end: Entry = { t: 0, kind: 'end', status: 'rolled-back', detail: '' };
	test.each<[string, Entry[], string]>([
		['begun to', [entry('zone', 'done'), entry('quiesce', 'undone')], 'refuses, the run is being taken back; bsdup rollback ends that'],
		['gone', [entry('quiesce', 'undone'), end], 'refuses, the run was taken back'],
	])(
		'that has %s is never carried forward, by its journal alone, and the explanation says so of each step',
		async (_how, entries, says) => {
			expect(new Set(explain(plan as Plan, entries).map(({ resume }) => resume))).toEqual(new Set([says]));
			expect(explain(plan as Plan, entries).find(({ id }) => id === 'quiesce')?.known).toMatch(/^was taken back, 2025/);
			const touched = (): never => {
				throw new Error('the host was touched');
			};
			const host = { install: touched, hold: touched };
			const context = { plan, host, journal: { entries, append: touched }, emit: () => {}, transport: { name: 'db1' } };
			await expect(run(context as unknown as StepContext)).rejects.toMatchObject({ code: 'E_ROLLED_BACK' });
		},
	);
});

describe('a run that was carried to its end', () => {
	const begin: Entry = { t: 0, kind: 'begin', plan: plan.hash, controller: 'me' };
	const end = (status: 'done' | 'interrupted'): Entry => ({ t: 0, kind: 'end', status, detail: '' });
	const ended = [begin, entry('zone', 'done'), end('done')];
	const already: Entry = { t: 0, kind: 'step', id: 'zone', status: 'already', attempt: 1, detail: '' };

	test.each<[how: string, after: Entry[], done: boolean, state: string]>([
		['is at it', [], true, 'done'],
		['and again, with nothing to do, is at it', [begin, already, end('done')], true, 'done'],
		[
			'and was cut when it was carried again is at it, though the host may still be held',
			[begin, already, end('interrupted')],
			true,
			'interrupted',
		],
		['and had to act again is not, where that failed', [begin, entry('check', 'running'), entry('check', 'failed')], false, 'failed'],
		[
			'and had to act again is, where that did not fail',
			[begin, entry('check', 'running'), entry('check', 'done'), end('done')],
			true,
			'done',
		],
		['and goes back is not', [begin, entry('zone', 'undone')], false, 'begun'],
	])('%s', (_how, after, done, state) => {
		expect(isDone([...ended, ...after])).toBe(done);
		expect(statusOf(plan, [...ended, ...after]).state).toBe(state);
	});
});

describe('status --explain', () => {
	const lines = explainLines(
		plan as Plan,
		explain(plan as Plan, [
			entry('check', 'running'),
			{ ...entry('check', 'done'), attempt: 0 } as Entry,
			entry('backup', 'running'),
			entry('zone', 'failed'),
		]),
	);
	const of = (id: string): string =>
		lines
			.slice(lines.findIndex((line) => line.startsWith(id.padEnd(16))))
			.slice(1, 4)
			.join('\n');

	test('says for each step what is known, from where, and what a resume will do', () => {
		expect(of('check')).toBe(
			[
				'  known:  is done, 2025-11-24T16:00:00Z',
				'  from:   the journal, line 2',
				"  resume: skips it if the host's record says the same; if that is gone, begins attempt 2",
			].join('\n'),
		);
		expect(of('backup')).toContain(
			'asks the host: runs it, follows attempt 1 to its end; nothing is begun twice; has it ended well, skips it; was it cut, tries its own test',
		);
		expect(of('zone')).toContain('compares boot time and marker, then its own test; only if that fails, begins attempt 2');
		expect(of('confirm')).toContain('asks for a yes');
		expect(of('fetch ')).toContain('brings only what is missing');
		expect(of('makedev')).toMatch(/known: {2}nothing was begun[\s\S]*holds no line of it[\s\S]*begins attempt 1/);
	});

	test('says of a run that is done that a resume does nothing, and of one that has to act again what it does', () => {
		const ended: Entry[] = [entry('check', 'done'), { t: 0, kind: 'end', status: 'done', detail: '' }];
		const told = (entries: Entry[]): Set<string> => new Set(explain(plan as Plan, entries).map(({ resume }) => resume));
		expect(told(ended)).toEqual(new Set(['does nothing, the run is done']));
		expect(told([...ended, { t: 0, kind: 'begin', plan: plan.hash, controller: 'me' }])).not.toContain('does nothing, the run is done');
	});

	test.each(['running', 'failed'] as const)('says of a backup that is received here, and %s, that its archive begins anew', (status) => {
		const steps = [makeStep('backup', [], { kind: 'stream' })];
		const [told] = explain({ ...plan, steps } as Plan, [entry('backup', status)]);
		expect(told?.resume).toBe('begins the archive anew, unless it is whole on this machine');
	});

	test('says that it is the word of the journal, and lets no escape sequence of a host out', () => {
		expect(lines[1]).toContain('as the journal says');
		const [title = ''] = explainLines({ ...plan, title: 'a\x1b[2Jb' }, []);
		expect(title).toBe('ab');
	});
});
