import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Step } from '../../src/plan/plan.ts';
import { HostProgram, makeStep, SHELLS, trace, until } from './host-program.ts';

let host: HostProgram;
let others: HostProgram[] = [];
afterEach(() => {
	for (const one of [...others, host]) one.remove();
	others = [];
});
/** The walk at the console refuses anybody else. */
const root = process.getuid?.() === 0;
const slow = (top: string): Step[] => [
	makeStep('slow', [trace(top, 'began'), `while [ ! -f '${top}/go' ]; do sleep 0.1; done`, trace(top, 'ended')]),
];
const gone = (pid: number): boolean => spawnSync('ps', ['-p', String(pid)]).status !== 0;
const go = (): void => writeFileSync(join(host.top, 'go'), '');

describe.each(SHELLS)('a job, in %s', (shell) => {
	test('is none, running, then ok, with its log and its status', async () => {
		host = new HostProgram(slow, { shell });
		expect(host.state('slow')).toBe('0 none');
		expect(host.call('start', 'slow', '1')).toMatchObject({ code: 0, stdout: '1 running' });
		await until(() => host.traces().includes('began'));
		expect(host.state('slow')).toBe('1 running');
		go();
		await until(() => host.state('slow') === '1 ok');
		// Its status counts before it has its name.
		await until(() => existsSync(host.path('slow', '1', 'rc')));
		expect(readFileSync(host.path('slow', '1', 'rc'), 'utf8')).toBe('0\n');
		expect(host.call('poll', 'slow', '1', '0').stdout.split('\n')[0]).toBe('1 ok');
	});

	test('that fails keeps its status, stops at the line that failed, and lets a second attempt begin', async () => {
		host = new HostProgram((top) => [makeStep('bad', ['echo before', `[ -f '${top}/go' ] || (exit 7)`, trace(top, 'after')])], { shell });
		host.call('start', 'bad', '1');
		await until(() => host.state('bad') === '1 failed 7');
		expect(host.traces()).toEqual([]);
		expect(host.call('poll', 'bad', '1', '0').stdout).toBe('1 failed 7\n\nbefore');
		expect(host.call('poll', 'bad', '1', '4').stdout).toBe('1 failed 7\n\nre');
		go();
		host.call('start', 'bad', '2');
		await until(() => host.state('bad') === '2 ok');
		expect(host.traces()).toEqual(['after']);
	});

	test('that can be measured tells its bytes before its log, and none where the measure fails', async () => {
		host = new HostProgram(
			(top) => [
				makeStep('copy', ['echo copying'], { measure: `echo "3000 $(cat '${top}/total')"` }),
				makeStep('odd', ['echo odd'], { measure: 'no-such-program' }),
			],
			{ shell },
		);
		writeFileSync(join(host.top, 'total'), '4000\n');
		for (const step of ['copy', 'odd']) host.call('start', step, '1');
		await until(() => host.state('copy') === '1 ok' && host.state('odd') === '1 ok');
		expect(host.call('poll', 'copy', '1', '0').stdout).toBe('1 ok\n3000 4000\ncopying');
		expect(host.call('poll', 'odd', '1', '0').stdout).toBe('1 ok\n\nodd');
	});

	test.skipIf(process.getuid?.() !== 0)(
		'that is a zone is followed from before its first command until it fails (needs root)',
		async () => {
			const zone = (top: string): Step =>
				makeStep('zone', [`cat '${top}'/*/jobs/zone/1/followers`, 'echo failing', 'exit 3'], { kind: 'zone' });
			host = new HostProgram((top) => [zone(top)], { shell });
			// Ended, or this would be the end of its time.
			expect(host.call('lead', 'zone', '1').code).not.toBeNull();
			expect(host.state('zone')).toBe('1 failed 3');
			expect(host.call('follow', 'zone', '1').stdout).toMatch(/^\d+\nfailing$/);
			expect(host.call('lead', 'zone', '1')).toMatchObject({ code: 0, stdout: '' });
		},
	);

	test.each(['zone', 'reboot', 'host'] as const)(
		'that cannot claim its attempt fails, and whoever follows it is told (%s)',
		async (kind) => {
			host = new HostProgram((top) => [makeStep('big', [trace(top, 'began')], { kind })], { shell });
			mkdirSync(host.path('big', '1'), { recursive: true });
			const follower = spawn('tail', ['-f', '/dev/null'], { stdio: 'ignore' });
			const ended = once(follower, 'exit');
			// As a disk does that filled after the attempt was laid: no directory can be made.
			for (const [name, text] of Object.entries({ claim: '', log: '', followers: `${follower.pid}\n`, 'rc.tmp': '\n' })) {
				writeFileSync(host.path('big', '1', name), text);
			}
			expect(host.call('job', 'big', '1')).toMatchObject({
				code: 1,
				stdout: expect.stringMatching(/^not begun: .* is full, or cannot be written$/),
			});
			expect(host.state('big')).toBe('1 failed 1');
			expect(host.traces()).toEqual([]);
			if (kind === 'host') follower.kill();
			await ended;
		},
	);

	test.each(['job slow 1', 'attended slow'])('(%s) that is slow to write down its process is not taken for lost', async (words) => {
		host = new HostProgram(slow, { shell });
		mkdirSync(join(host.path('slow', '1'), 'claim'), { recursive: true });
		writeFileSync(join(host.path('slow', '1'), 'start'), '');
		const writer = spawn('sh', ['-c', 'sleep 60; :', host.script, ...words.split(' ')], { detached: true, stdio: 'ignore' });
		const ended = once(writer, 'exit');
		expect(host.state('slow')).toBe('1 running');
		expect(host.call('start', 'slow', '2')).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('slow is still running (attempt 1)'),
		});
		process.kill(-(writer.pid ?? 0), 'SIGKILL');
		await ended;
		expect(host.state('slow')).toBe('1 lost');
	});

	test('started twice with the same number runs once', async () => {
		host = new HostProgram(slow, { shell });
		go();
		expect(host.call('start', 'slow', '1').code).toBe(0);
		await until(() => host.state('slow') === '1 ok');
		expect(host.call('start', 'slow', '1')).toMatchObject({ code: 0, stdout: '1 ok' });
		expect(host.traces()).toEqual(['began', 'ended']);
	});
});

describe('a job', () => {
	test.skipIf(!root)('outlives its starter: a hang-up, Ctrl-C and kill -9 (needs root)', async () => {
		host = new HostProgram(slow);
		const starter = host.launch('--yes');
		await until(() => host.traces().includes('began'));
		process.kill(starter.pid, 'SIGKILL');
		process.kill(-starter.pid, 'SIGHUP');
		process.kill(-starter.pid, 'SIGINT');
		await starter.ended;
		expect(host.state('slow')).toBe('1 running');
		go();
		await until(() => host.state('slow') === '1 ok');
		expect(host.traces()).toEqual(['began', 'ended']);
	});

	test('killed with its shell is lost, and only then a second attempt begins', async () => {
		host = new HostProgram(slow);
		host.call('start', 'slow', '1');
		await until(() => host.traces().includes('began'));
		process.kill(host.pid('slow', 1), 'SIGKILL');
		process.kill(host.pid('slow', 1, 'act.'), 'SIGKILL');
		await until(() => host.state('slow') === '1 lost');
		go();
		expect(host.call('start', 'slow', '2').code).toBe(0);
		await until(() => host.state('slow') === '2 ok');
		expect(host.traces()).toEqual(['began', 'began', 'ended']);
	});

	test('whose keeper alone was killed still runs, and no second attempt begins beside it', async () => {
		host = new HostProgram(slow);
		host.call('start', 'slow', '1');
		await until(() => host.traces().includes('began'));
		const keeper = host.pid('slow', 1);
		process.kill(keeper, 'SIGKILL');
		await until(() => gone(keeper));
		expect(host.state('slow')).toBe('1 running');
		const second = host.call('start', 'slow', '2');
		expect(second.code).toBe(1);
		expect(second.stderr).toContain('slow is still running (attempt 1)');
		go();
		await until(() => host.traces().includes('ended'));
		await until(() => host.state('slow') === '1 lost');
	});

	test.each(['begun', 'beginning'])('(%s) is not taken for lost where ps does not start, as while base is replaced', async (how) => {
		host = new HostProgram(slow);
		host.call('start', 'slow', '1');
		await until(() => host.traces().includes('began'));
		if (how === 'beginning') writeFileSync(host.path('slow', '1', 'start'), '');
		const [torn, whole] = [join(host.top, 'torn.sh'), readFileSync(host.script, 'utf8')];
		mkdirSync(join(host.top, 'bin'));
		writeFileSync(join(host.top, 'bin/ps'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
		writeFileSync(torn, whole.replace('\nPATH=', `\nPATH='${host.top}/bin':`));
		const second = host.callFile(torn, 'start', 'slow', '2');
		expect(second.stderr).toContain('what runs cannot be told');
		expect(existsSync(host.path('slow', '2'))).toBe(false);
		expect(host.state('slow')).toBe('1 running');
		process.kill(host.pid('slow', 1), 'SIGKILL');
		process.kill(host.pid('slow', 1, 'act.'), 'SIGKILL');
		await until(() => gone(host.pid('slow', 1)) && gone(host.pid('slow', 1, 'act.')));
		// As after a power cut: nothing has its number.
		if (how === 'begun') expect(host.callFile(torn, 'states').stdout).toBe('slow 1 lost');
	});

	test('with a torn status (an empty rc) is lost', async () => {
		host = new HostProgram(slow);
		go();
		host.call('start', 'slow', '1');
		await until(() => host.state('slow') === '1 ok');
		writeFileSync(host.path('slow', '1', 'rc'), '');
		await until(() => host.state('slow') === '1 lost');
	});

	test('that never began is given up, and cannot begin afterwards', () => {
		host = new HostProgram(slow);
		// The starter was cut between making the attempt and the job's first act.
		const attempt = host.path('slow', '1');
		mkdirSync(attempt, { recursive: true });
		writeFileSync(join(attempt, 'script'), trace(host.top, 'late'));
		expect(host.state('slow')).toBe('1 lost');
		expect(host.call('job', 'slow', '1').code).toBe(1);
		expect(host.traces()).toEqual([]);
	});

	test('is not taken for a process that has its number now', async () => {
		host = new HostProgram(slow);
		go();
		host.call('start', 'slow', '1');
		await until(() => host.state('slow') === '1 ok');
		writeFileSync(host.path('slow', '1', 'rc'), '');
		for (const prefix of ['', 'act.']) writeFileSync(host.path('slow', '1', `${prefix}pid`), `${process.pid}\n`);
		await until(() => host.state('slow') === '1 lost');
	});

	test('begun by another between the look and the act is left alone, script and log', () => {
		host = new HostProgram(() => [makeStep('one', ['echo mine'])]);
		const other =
			'mkdir() { case $1 in */one/1) command mkdir "$1"; echo theirs >"$1/script"; echo said >"$1/log" ;; esac; command mkdir "$@"; }';
		const file = join(host.top, 'second');
		writeFileSync(file, readFileSync(host.script, 'utf8').replace(/^verb=[\s\S]*/m, `${other}\nbegin one 1\n`));
		const { code, stderr } = host.callFile(file);
		expect([code, stderr]).toEqual([1, expect.stringContaining('one: attempt 1 was begun by another')]);
		expect(['script', 'log'].map((name) => readFileSync(host.path('one', '1', name), 'utf8'))).toEqual(['theirs\n', 'said\n']);
	});

	test('begun by several starters at once runs once', async () => {
		host = new HostProgram(slow);
		go();
		const starters = Array.from({ length: 6 }, () => host.launch('start', 'slow', '1'));
		expect(await Promise.all(starters.map(({ ended }) => ended))).toEqual([0, 0, 0, 0, 0, 0]);
		await until(() => host.state('slow') === '1 ok');
		expect(host.traces()).toEqual(['began', 'ended']);
		expect(existsSync(host.path('slow', '2'))).toBe(false);
	});
});

describe('a step that is done already', () => {
	const tested = (top: string): Step[] => [makeStep('tested', [trace(top, 'ran')], { done: `[ -f '${top}/there' ]` })];

	test('by its own test is recorded so, and runs nothing', () => {
		host = new HostProgram(tested);
		expect(host.call('settle', 'tested').code).toBe(1);
		expect(host.state('tested')).toBe('0 none');
		writeFileSync(join(host.top, 'there'), '');
		expect(host.call('settle', 'tested').code).toBe(0);
		expect(host.state('tested')).toBe('0 already');
		expect(host.traces()).toEqual([]);
	});

	test.skipIf(!root)('by its own test is passed over by the walk (needs root)', () => {
		host = new HostProgram(tested);
		writeFileSync(join(host.top, 'there'), '');
		expect(host.call('settle', 'tested').code).toBe(0);
		expect(host.call('--yes').code).toBe(0);
		expect(host.traces()).toEqual([]);
	});

	test('without a test is done by its record only', async () => {
		host = new HostProgram(slow);
		expect(host.call('settle', 'slow').code).toBe(1);
		go();
		host.call('start', 'slow', '1');
		await until(() => host.call('settle', 'slow').code === 0);
	});

	test('is not settled while it runs, even if its test holds', async () => {
		host = new HostProgram((top) => slow(top).map((step) => ({ ...step, done: 'true' })));
		host.call('start', 'slow', '1');
		await until(() => host.traces().includes('began'));
		expect(host.call('settle', 'slow').code).toBe(1);
		go();
		await until(() => host.state('slow') === '1 ok');
	});
});

describe('a host', () => {
	test('is held by one run; the second is told who holds it, and cannot let it go', () => {
		host = new HostProgram(slow);
		const second = new HostProgram(slow, { top: host.top, run: 'run-second' });
		others = [second];
		expect(host.call('hold', 'someone@desk pid 1').code).toBe(0);
		expect(second.call('hold', 'other@desk')).toMatchObject({ code: 75, stdout: `run-t${process.pid} someone@desk pid 1` });
		second.lay();
		second.call('release');
		expect(second.call('hold', 'other@desk').code).toBe(75);
		second.lay();
		expect(host.call('hold', 'someone@desk pid 1').code).toBe(0);
		expect(host.call('release').code).toBe(0);
		expect(second.call('hold', 'other@desk').code).toBe(0);
	});
	test('is held while a step runs, and let go when it has ended', async () => {
		host = new HostProgram(slow);
		host.call('hold', 'me');
		host.call('start', 'slow', '1');
		await until(() => host.traces().includes('began'));
		expect(host.call('release')).toMatchObject({ code: 1, stderr: expect.stringContaining('slow is still running') as string });
		expect(lstatSync(join(host.top, 'lock')).isSymbolicLink()).toBe(true);
		go();
		await until(() => host.state('slow') === '1 ok');
		expect(host.call('release').code).toBe(0);
		expect(() => lstatSync(join(host.top, 'lock'))).toThrow('ENOENT');
	});
});
