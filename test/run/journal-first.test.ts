import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BsdupError } from '../../src/errors.ts';
import { heldBy, refusedFor } from '../../src/journal/decide.ts';
import { type Journal, openJournal, readJournal } from '../../src/journal/journal.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import type { RunEvent } from '../../src/report/events.ts';
import { HostLink } from '../../src/run/host-link.ts';
import { rollback } from '../../src/run/rollback.ts';
import { run } from '../../src/run/run.ts';
import type { StepContext } from '../../src/steps/context.ts';
import { runStream } from '../../src/steps/stream.ts';
import { localTransport } from '../../src/transport/local.ts';
import { makeStep } from '../host/host-program.ts';

let dir: string;
let journal: Journal;
/** What the journal's file held last, when the host was asked for each act. */
let acts: [act: string, last: string][];
beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-first-'));
	journal = openJournal(join(dir, 'journal.jsonl'));
	acts = [];
});
afterEach(() => {
	vi.restoreAllMocks();
	journal.close();
	rmSync(dir, { recursive: true });
});

const none = { attempt: 0, state: 'none', rc: 0 };

/** A host that notes what the journal says on the disk when it is asked to act, and does everything well. */
function hostOf(changes: object = {}): object {
	const act =
		(name: string, result: unknown = undefined) =>
		async (step?: unknown): Promise<unknown> => {
			const last = readJournal(join(dir, 'journal.jsonl')).entries.at(-1);
			const told = last === undefined ? 'nothing' : last.kind === 'step' ? `${last.id} ${last.status}` : last.kind;
			acts.push([`${name}${typeof step === 'string' ? ` ${step}` : ''}`, told]);
			return result;
		};
	return {
		...{ install: act('install'), hold: act('hold'), turn: act('turn', true), release: act('release'), consented: act('consented') },
		...{ start: act('start', { attempt: 1, state: 'ok', rc: 0, measured: [], log: Buffer.alloc(0) }), wentBack: act('went-back') },
		follow: (verb: string, step: Step) => act(verb)(step.id),
		...{ states: async () => new Map(), settle: async () => false, settled: async () => 'left', proven: async () => true },
		...{ report: async () => [], leave: async () => {}, busy: async () => [], due: async () => new Map([['one.undo', none]]) },
		verdict: async () => ({ attempt: 1, state: 'running', rc: 0, rebooted: true }),
		...changes,
	};
}

function contextOf(steps: Step[], host = hostOf()): StepContext {
	const transport = { ...localTransport({ become: 'none' }), local: false };
	return {
		plan: {
			run: 'run-1',
			hash: 'h',
			title: 'x',
			facts: { host: 'x' },
			target: null,
			steps,
			recovery: '',
			dir,
			fetch: [],
		} as unknown as Plan,
		...{ transport, host, journal, link: new HostLink(transport, () => {}, 1_000), emit: (_: RunEvent) => {} },
		...{ signal: new AbortController().signal, confirm: async () => true, carrier: { who: 'me', gone: [], takeOver: false } },
		...{ pauseAtReboot: false, cache: { dir, maxBytes: 0 }, logins: [], bandwidth: null, console: null, rebootMs: 5_000 },
	} as unknown as StepContext;
}

describe('the journal has a line on the disk before the act', () => {
	test('of taking the host, of a job, of a confirmation, of a reboot; and after each', async () => {
		let looks = 0;
		const settled = async (): Promise<string> => (++looks > 1 ? 'done' : 'left');
		const steps = [
			makeStep('one', []),
			makeStep('ask', ['echo sure'], { kind: 'confirm', needs: ['one'] }),
			makeStep('away', [], { kind: 'reboot', needs: ['ask'] }),
			makeStep('last', [], { needs: ['away'] }),
		];
		expect(await run(contextOf(steps, hostOf({ settled })))).toBe('done');
		expect(acts).toEqual([
			['install', 'begin'],
			['hold', 'begin'],
			['start one', 'one running'],
			['consented ask', 'ask running'],
			['lead away', 'away running'],
			['start last', 'last running'],
			['release', 'last done'],
		]);
		expect(journal.entries.flatMap((entry) => (entry.kind === 'step' ? [`${entry.id} ${entry.status}`] : [entry.kind]))).toEqual([
			...['begin', 'one running', 'one done', 'ask running', 'ask done', 'away running', 'verdict', 'away done'],
			...['last running', 'last done', 'end'],
		]);
	});

	test('of receiving an archive', async () => {
		const step = makeStep('tape', ['tar'], { kind: 'stream', measure: 'echo 0 1' });
		const context = contextOf([step]);
		Object.assign(context.plan, { receive: { dir: join(dir, 'here'), base: 'b', volumeKiB: 100, about: '{' } });
		const noted = hostOf() as { install: () => Promise<void> };
		context.transport.run = async () => {
			await noted.install();
			return { code: 2, signal: null, stdout: '', stderr: 'enough' };
		};
		await expect(runStream(step, context)).rejects.toMatchObject({ code: 'E_STEP' });
		expect(acts.at(-1)).toEqual(['install', 'tape running']);
	});

	test('of taking a step back', async () => {
		await rollback(contextOf([makeStep('one', [], { undo: 'true' })]));
		expect(acts).toEqual([
			['install', 'begin'],
			['turn', 'begin'],
			['start one.undo', 'one.undo running'],
			['went-back', 'one undone'],
		]);
	});

	test('of a run whose record the host has lost is no ground to call it taken back', async () => {
		journal.append({ kind: 'step', id: 'one', status: 'done', attempt: 1, detail: '' });
		const steps = [makeStep('one', [], { undo: 'true' }), makeStep('two', [])];
		const states = (one: string) => async (): Promise<Map<string, object>> =>
			new Map([
				['one', { ...none, state: one }],
				['two', none],
			]);
		await expect(rollback(contextOf(steps, hostOf({ states: states('none') })))).rejects.toMatchObject({ code: 'E_RECORD_LOST' });
		expect(acts.map(([act]) => act)).toEqual(['install']);
		expect(await rollback(contextOf(steps, hostOf({ states: states('ok') })))).toBe('rolled-back');
	});

	test.each([
		['hold', run],
		['turn', rollback],
	])('and of a host that another run has, asked by %s, tells which, for what is typed next', async (verb, way) => {
		const held = new BsdupError({ code: 'E_HOST_HELD', message: heldBy('x', 'run-2 ann') });
		const context = contextOf([makeStep('one', [])], hostOf({ [verb]: () => Promise.reject(held) }));
		await expect(way(context)).rejects.toBe(held);
		expect(refusedFor(journal.entries)).toBe('run-2');
	});

	test('which is not done where the line cannot be written', async () => {
		const context = contextOf([makeStep('one', [])]);
		vi.spyOn(journal, 'append').mockImplementation((entry) => {
			if (entry.kind === 'step') throw new Error('no room');
		});
		await expect(run(context)).rejects.toThrow('no room');
		expect(acts.map(([act]) => act)).not.toContain('start one');
	});
});

test.each([
	[true, true, 1],
	[true, false, 0],
	[false, true, 0],
])(
	'a rollback says how it goes on before what may reboot the host that it runs on (on it: %s, by what may: %s)',
	async (local, undoReboots, times) => {
		const events: RunEvent[] = [];
		const context = contextOf([makeStep('one', [], { undo: 'true', undoReboots })]);
		Object.assign(context, { emit: (event: RunEvent) => events.push(event), transport: { ...context.transport, local } });
		await rollback(context);
		const told = events.flatMap((event) => (event.kind === 'notice' ? [event.text] : []));
		expect(told.filter((text) => text.includes('After it, log in as root and type: bsdup rollback run-1 (or sh'))).toHaveLength(times);
	},
);

describe('a clock that is set by a day while a host is away', () => {
	const day = 86_400_000;
	test.each([day, -day])('(by %d ms) neither ends the waiting for a reboot nor makes a verdict', async (step) => {
		let looks = 0;
		let off = 0;
		const now = Date.now.bind(Date);
		vi.spyOn(Date, 'now').mockImplementation(() => now() + off);
		const settled = async (): Promise<string> => (looks > 0 ? 'done' : 'left');
		const verdict = async (): Promise<object> => {
			off = step;
			// The boot time moves with the clock (F:D); its marker stands, so it is no reboot.
			return { attempt: 1, state: 'running', rc: 0, rebooted: ++looks > 2 };
		};
		const context = contextOf([makeStep('away', [], { kind: 'reboot' })], hostOf({ settled, verdict }));
		expect(await run(context)).toBe('done');
		expect(looks).toBe(3);
		const downMs = journal.entries.flatMap((entry) => (entry.kind === 'verdict' ? [entry.downMs] : []));
		expect(downMs[0]).toBeGreaterThan(0);
		expect(downMs[0]).toBeLessThan(60_000);
	});

	test('does not give up a connection that comes back', async () => {
		let off = 0;
		const now = Date.now.bind(Date);
		vi.spyOn(Date, 'now').mockImplementation(() => now() + off);
		let tries = 0;
		const link = new HostLink({ ...localTransport({ become: 'none' }), connect: async () => {} }, () => {}, 30_000);
		const answer = await link.retry(async () => {
			off = day;
			if (++tries < 3) throw new BsdupError({ code: 'E_CONNECTION_LOST', message: 'lost' });
			return 'here';
		});
		expect([answer, tries]).toEqual(['here', 3]);
	});
});
