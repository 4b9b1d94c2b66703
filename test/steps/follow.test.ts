import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/report/events.ts';
import { HostLink } from '../../src/run/host-link.ts';
import { HostProgram as Driver } from '../../src/run/host-program.ts';
import type { StepContext } from '../../src/steps/context.ts';
import { followJob, runHostJob } from '../../src/steps/host-job.ts';
import { localTransport } from '../../src/transport/local.ts';
import { DEFAULT_TIMEOUT_MS, type RunOptions, type Transport } from '../../src/transport/transport.ts';
import { HostProgram, makeStep, until } from '../host/host-program.ts';
import { atTerminal } from './at-terminal.ts';

/** This machine, whose scripts are seen, and may be altered, before they run. */
function seen(alter: (script: string, options: RunOptions) => string): Transport {
	const transport = localTransport({ become: 'none' });
	const run = async (script: string, options: RunOptions = {}) => transport.run(alter(script, options), options);
	return Object.assign(Object.create(transport), { run });
}

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

test.each(['done', 'proof'] as const)(
	'a test of a step (%s) that reads as long as the step may take, as of a large backup, is waited for and asked once',
	async (test) => {
		const program = new HostProgram(() => [makeStep('backup', ['true'], { [test]: 'true', timeout: 86_400 })]);
		const limits: number[] = [];
		const slow = seen((script, options) => {
			limits.push(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
			return script;
		});
		try {
			const host = new Driver(program.plan(), slow, new HostLink(slow, () => {}, 1_000));
			expect(await (test === 'done' ? host.settle('backup') : host.proven('backup'))).toBe(true);
			expect(limits).toHaveLength(1);
			expect(limits[0]).toBeGreaterThanOrEqual(86_400_000);
		} finally {
			program.remove();
		}
	},
);

test('a step that asks a person is not begun where there is no terminal, which is status 3', async () => {
	atTerminal(false);
	const context = { plan: { run: 'run-1' }, journal: { append: () => {} }, host: {} } as unknown as StepContext;
	const run = runHostJob(makeStep('merge', [], { attended: true }), context, { state: 'none', attempt: 0, rc: 0 });
	await expect(run).rejects.toMatchObject({ code: 'E_NO_TERMINAL', exit: 3, next: ['bsdup resume run-1   (in a terminal)'] });
});

test('a step that waits for a person at a terminal that is gone says how to end it, and begins again at this one', async () => {
	atTerminal(true);
	const program = new HostProgram(() => [makeStep('merge', ['true'], { attended: true })]);
	const transport = localTransport({ become: 'none' });
	const driver = new Driver(program.plan(), transport, new HostLink(transport, () => {}, 1_000));
	const attempt = program.path('merge', '1');
	mkdirSync(join(attempt, 'claim'), { recursive: true });
	const asking = join(attempt, 'asking');
	writeFileSync(join(attempt, 'script'), `sh -c 'echo $$ >"${asking}"; exec sleep 60' || true`);
	// A session of its own, as sshd begins one for each login.
	const old = spawn('sh', [program.script, 'act', 'merge', '1'], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
	try {
		await until(
			() => existsSync(asking) && existsSync(join(attempt, 'act.start')) && readFileSync(join(attempt, 'act.start'), 'utf8') !== '',
		);
		for (const file of ['pid', 'start']) writeFileSync(join(attempt, file), readFileSync(join(attempt, `act.${file}`)));
		const notices: string[] = [];
		let begun = 0;
		const host = Object.assign(Object.create(driver), {
			poll: (step: string, n: number, offset: number) => driver.poll(step, n, offset),
			attended: async () => ++begun > 0,
		});
		const emit = (event: RunEvent): void => {
			if (event.kind !== 'notice') return;
			notices.push(event.text);
			// What it says is typed, on the host.
			spawnSync('sh', ['-c', /sh -c .*/.exec(event.text)?.[0] ?? 'false']);
		};
		const context = { plan: program.plan(), host, emit, journal: { append: () => {} }, signal: new AbortController().signal };
		const known = { attempt: 1, state: 'running', rc: 0 } as const;
		expect(await runHostJob(makeStep('merge', [], { attended: true }), context as unknown as StepContext, known)).toBe('done');
		expect([notices.length, begun]).toEqual([1, 1]);
		// Nobody may reap it here.
		expect(spawnSync('ps', ['-o', 'stat=', '-p', readFileSync(asking, 'utf8').trim()]).stdout.toString()).toMatch(/^(Z|$)/);
	} finally {
		old.kill('SIGKILL');
		program.remove();
	}
});

test('a zone that cannot be begun, as on a full disk, says why', async () => {
	const program = new HostProgram(() => [makeStep('zone', ['true'], { kind: 'zone' })]);
	const transport = localTransport({ become: 'none' });
	try {
		// Nothing can be laid where the attempts are to be.
		mkdirSync(program.path());
		writeFileSync(program.path('zone'), '');
		const host = new Driver(program.plan(), transport, new HostLink(transport, () => {}, 1_000));
		let said = '';
		const onText = (text: string): void => {
			said += text;
		};
		await host.follow('lead', makeStep('zone', [], { kind: 'zone' }), 1, 10_000, onText, new AbortController().signal);
		expect(said).toMatch(/^bsdup: zone: its job cannot be laid into .*run-t\d+\n$/m);
	} finally {
		program.remove();
	}
});

describe('a job that is followed', () => {
	test.each([1, 2, 3, 5, 100])('tells each line of its log once and whole, looked at every %i bytes', async (piece) => {
		const log = Buffer.concat([Buffer.from('ü\n€\n'), Buffer.from([0xff, 10]), Buffer.from('z')]);
		const { context, events } = hostWith(log, piece);
		const { state, tail } = await followJob(makeStep('copy', []), context, 1);
		expect(state).toBe('ok');
		const lines = events.flatMap((event) => (event.kind === 'log' ? [event.line] : []));
		expect(lines).toEqual(['ü', '€', '\ufffd', 'z']);
		expect(tail).toBe(lines.join('\n'));
	});

	const LOST = 'echo "ld-elf.so.1: Shared object "libc.so.7" not found, required by "tail"" >&2; exit 1; sh';
	test.each([
		['start', 'no sh', '/nowhere/sh'],
		['poll', 'no sh', '/nowhere/sh'],
		['start', 'no library', LOST],
		['poll', 'no library', LOST],
	])('is followed on where a look (%s) finds %s, as while the job replaces it', async (verb, _what, broken) => {
		const program = new HostProgram(() => [makeStep('world', ['echo done'])]);
		try {
			let looks = 0;
			const without = seen((script) => script.replace(/^sh/, script.includes(` ${verb} `) && ++looks === 1 ? broken : 'sh'));
			const host = new Driver(program.plan(), without, new HostLink(without, () => {}, 1_000));
			const events: RunEvent[] = [];
			const emit = (event: RunEvent): void => void events.push(event);
			const context = { host, emit, signal: new AbortController().signal } as unknown as StepContext;
			await host.start('world', 1);
			expect(await followJob(makeStep('world', []), context, 1)).toMatchObject({ state: 'ok', tail: 'done' });
			expect(looks).toBeGreaterThan(1);
		} finally {
			program.remove();
		}
	});

	test('that the host refuses to begin is not asked for again', async () => {
		const program = new HostProgram(() => [makeStep('world', ['echo done'])]);
		try {
			let starts = 0;
			const counted = seen((script) => {
				starts++;
				return script;
			});
			const host = new Driver(program.plan(), counted, new HostLink(counted, () => {}, 1_000));
			await expect(host.start('world', 2)).rejects.toThrow('attempt 2 is not the next, 1 is');
			expect(starts).toBe(1);
		} finally {
			program.remove();
		}
	});

	test('of which somebody prints very much, with and without line feeds, is told whole, a piece at a time', {
		timeout: 180_000,
	}, async () => {
		const MB = 1_000_000;
		const program = new HostProgram(() => [
			makeStep('loud', [`yes 'a line of the log of a step that says very much' | dd bs=${MB} count=200 iflag=fullblock 2>/dev/null`]),
			makeStep('odd', [`dd if=/dev/urandom bs=${MB} count=2 2>/dev/null`, `dd if=/dev/zero bs=${MB} count=3 2>/dev/null`]),
		]);
		try {
			const transport = localTransport({ become: 'none' });
			const host = new Driver(program.plan(), transport, new HostLink(transport, () => {}, 1_000));
			let bytes = 0;
			let longest = 0;
			let last = '';
			const emit = (event: RunEvent): void => {
				if (event.kind !== 'log') return;
				bytes += event.line.length + 1;
				longest = Math.max(longest, event.line.length);
				last = event.line;
			};
			const context = { host, emit, signal: new AbortController().signal } as unknown as StepContext;
			const loud = await followJob(makeStep('loud', []), context, 1, await host.start('loud', 1));
			expect([loud.state, last.startsWith('a line')]).toEqual(['ok', true]);
			expect(Math.abs(bytes - 200 * MB)).toBeLessThan(100);
			bytes = 0;
			expect((await followJob(makeStep('odd', []), context, 1, await host.start('odd', 1))).state).toBe('ok');
			expect(bytes).toBeGreaterThan(3 * MB);
			expect(longest).toBeLessThanOrEqual(64 * 1024);
		} finally {
			program.remove();
		}
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
