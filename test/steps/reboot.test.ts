import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BsdupError } from '../../src/errors.ts';
import type { Step } from '../../src/plan/plan.ts';
import type { RunEvent } from '../../src/report/events.ts';
import { HostLink } from '../../src/run/host-link.ts';
import { HostProgram as Driver } from '../../src/run/host-program.ts';
import type { StepState } from '../../src/run/step-state.ts';
import type { StepContext } from '../../src/steps/context.ts';
import { runReboot } from '../../src/steps/reboot.ts';
import { localTransport } from '../../src/transport/local.ts';
import { HostProgram, makeStep, trace } from '../host/host-program.ts';

const refusal = new BsdupError({ code: 'E_AUTH', message: 'admin@db1:22 refused the login' });

test.each([true, false])('a step that the host cannot begin is told as such, not as a reboot: at the console %s', async (local) => {
	const program = new HostProgram(() => [makeStep('zone', ['true'], { kind: 'zone', danger: 'no-return', proof: 'false' })]);
	try {
		// Nothing can be laid where the attempts are to be.
		mkdirSync(program.path());
		writeFileSync(program.path('zone'), '');
		const events: RunEvent[] = [];
		const transport = { ...localTransport({ become: 'none' }), local };
		const plan = program.plan();
		const context = {
			...{
				host: new Driver(plan, transport, new HostLink(transport, () => {}, 1_000)),
				journal: { append: () => {}, entries: [] },
				transport,
				plan,
			},
			...{ emit: (event: RunEvent) => void events.push(event), signal: new AbortController().signal, rebootMs: 3000, console: null },
		} as unknown as StepContext;
		const ended = runReboot(plan.steps[0] as Step, context, { attempt: 0, state: 'none', rc: 0 });
		await expect(ended).rejects.toMatchObject({
			...{ code: 'E_STEP', message: 'zone: attempt 1 could not be begun', state: 'Nothing of the system was changed by this step.' },
		});
		expect(JSON.stringify(events)).toContain('its job cannot be laid into');
	} finally {
		program.remove();
	}
});

test.skipIf(process.getuid?.() !== 0)(
	'at the console a resume tells once that the old system runs, then boots the new one again (needs root, for its marker)',
	async () => {
		const program = new HostProgram((top) => [
			makeStep('zone', [trace(top, 'reboot')], { kind: 'zone', danger: 'disruptive', done: 'false', proof: 'false', timeout: 1 }),
		]);
		try {
			const transport = localTransport({ become: 'none' });
			const plan = program.plan();
			const host = new Driver(plan, transport, new HostLink(transport, () => {}, 1_000));
			const context = {
				...{ host, journal: { append: () => {} }, transport, plan, emit: () => {}, signal: new AbortController().signal, rebootMs: 3000 },
			} as unknown as StepContext;
			const resume = async (): Promise<string> => runReboot(plan.steps[0] as Step, context, (await host.states()).get('zone') as StepState);
			expect(await resume()).toBe('waiting');
			program.reboot('zone');
			await expect(resume()).rejects.toMatchObject({ code: 'E_OLD_SYSTEM', state: expect.stringContaining('went back') as string });
			expect(await resume()).toBe('waiting');
			expect(program.traces()).toEqual(['reboot', 'reboot']);
		} finally {
			program.remove();
		}
	},
);

test('a zone whose connection was lost is waited for as long as it is at work, longer than a host may stay away', async () => {
	const began = performance.now();
	let back = false;
	const host = {
		...{ settled: async () => (back ? 'done' : 'left'), follow: async () => {} },
		verdict: async () => {
			back = performance.now() - began > 1500;
			return { attempt: 1, state: 'running', rc: 0, rebooted: back };
		},
	};
	const context = {
		...{ host, journal: { append: () => {} }, transport: { local: false }, plan: { run: 'run-1' }, console: null },
		...{ emit: () => {}, signal: new AbortController().signal, rebootMs: 500, pauseAtReboot: false },
	} as unknown as StepContext;
	expect(await runReboot(makeStep('zone', [], { kind: 'zone' }), context, { attempt: 0, state: 'none', rc: 0 })).toBe('done');
});

test.each([
	['zone', /^tail -f \/d\/jobs\/away\/1\/log/, /still at work, or its shutdown hangs/],
	['reboot', /reboot it by hand/, /its shutdown hangs, or was never begun/],
] as const)(
	'a %s that still runs when patience ends is not told to be rebooted by hand at once where it may be at work',
	async (kind, next, state) => {
		const host = {
			...{ settled: async () => 'left', follow: async () => {} },
			verdict: async () => ({ attempt: 1, state: 'running', rc: 0, rebooted: false }),
		};
		const context = {
			...{
				host,
				journal: { append: () => {} },
				transport: { local: false },
				plan: { run: 'run-1', dir: '/d', recovery: 'card' },
				console: null,
			},
			...{ emit: () => {}, signal: new AbortController().signal, rebootMs: 300, pauseAtReboot: false },
		} as unknown as StepContext;
		const ended = runReboot(makeStep('away', [], { kind, danger: 'no-return', timeout: 1 }), context, {
			attempt: 1,
			state: 'running',
			rc: 0,
		});
		const told = (await ended.catch((error: unknown) => error)) as BsdupError;
		expect([told.code, told.next[0], told.state]).toEqual(['E_NEVER_REBOOTED', expect.stringMatching(next), expect.stringMatching(state)]);
	},
);

/** A reboot of a host that refuses the login so often before it is asked in vain no more; `asked`: how often it was. */
function rebootOf(refusals: number): { ended: Promise<string>; asked: () => number } {
	let asked = 0;
	let back = false;
	const host = {
		settled: async () => (back ? 'done' : 'left'),
		follow: async () => {},
		verdict: async () => {
			if (asked++ < refusals) throw refusal;
			back = true;
			return { attempt: 1, state: 'running', rc: 0, rebooted: true };
		},
	};
	const context = {
		...{ host, journal: { append: () => {} }, transport: { local: false }, plan: { run: 'run-1' }, console: null },
		...{ emit: (_event: RunEvent) => {}, signal: new AbortController().signal, rebootMs: 3000, pauseAtReboot: false },
	} as unknown as StepContext;
	const step = makeStep('reboot', ['reboot'], { kind: 'reboot' });
	return { ended: runReboot(step, context, { attempt: 0, state: 'none', rc: 0 }), asked: () => asked };
}

test('a host that refuses the login while it goes down or comes up is waited for', async () => {
	const { ended, asked } = rebootOf(3);
	expect(await ended).toBe('done');
	expect(asked()).toBe(4);
});

test('a host that goes on refusing the login is not asked again and again', async () => {
	const { ended, asked } = rebootOf(100);
	await expect(ended).rejects.toBe(refusal);
	expect(asked()).toBe(6);
});
