import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Step } from '../../src/plan/plan.ts';
import { HostProgram, makeStep, SHELLS, trace, until } from './host-program.ts';

let host: HostProgram;
afterEach(() => host.remove());
const root = process.getuid?.() === 0;

const three = (top: string): Step[] => [
	makeStep('one', [trace(top, 'one'), 'echo said by one']),
	makeStep('sure', ["echo 'About to go on.'"], { kind: 'confirm' }),
	makeStep('merge', [trace(top, 'merge')], { attended: true }),
	makeStep('two', [trace(top, 'two')], { proof: `[ -f '${top}/trace' ]` }),
];

describe.skipIf(!root).each(SHELLS)('the walk at the console, in %s (needs root)', (shell) => {
	test('runs all steps in order, tells each, and a second walk does nothing', () => {
		host = new HostProgram(three, { shell });
		const first = host.call('--yes');
		expect(first).toMatchObject({ code: 0, stderr: '' });
		expect(host.traces()).toEqual(['one', 'merge', 'two']);
		expect(first.stdout).toMatch(/run +one: Step one[\s\S]*About to go on[\s\S]*run +two: Step two[\s\S]*done/);
		// At its end it asks for no host.
		const other = new HostProgram(three, { top: host.top, run: 'run-other' });
		other.call('hold', 'someone@desk');
		const second = host.call('--yes');
		expect(second.code).toBe(0);
		expect(readlinkSync(join(host.top, 'lock'))).toBe('held-by:run-other');
		expect(second.stdout.match(/^ok +/gm)).toHaveLength(4);
		expect(host.traces()).toEqual(['one', 'merge', 'two']);
	});

	test('tells what a step that asks has to say, not the lines that say it', () => {
		const told = ["echo 'About to go on.'", "[ -f /nowhere ] || echo 'as it shall be'", "[ ! -f /nowhere ] || echo 'a warning'"];
		host = new HostProgram(() => [makeStep('sure', told, { kind: 'confirm' })], { shell });
		const { code, stdout } = host.call('--yes');
		expect([code, stdout]).toEqual([0, expect.stringMatching(/^run +sure: Step sure\nAbout to go on\.\nas it shall be\ndone/)]);
	});

	test('asks before what cannot be taken back, and stops with nobody there', () => {
		host = new HostProgram(three, { shell });
		const { code, stderr } = host.call();
		expect([code, stderr]).toEqual([1, expect.stringContaining('give --yes')]);
		expect(stderr).toContain(`to take back what was done so far: sh ${host.script} rollback`);
		expect(host.traces()).toEqual(['one']);
		expect(host.state('sure')).toBe('0 none');
	});

	test('pauses at a reboot with status 3, says how to go on, and goes on after it', () => {
		host = new HostProgram((top) => [makeStep('again', [trace(top, 'reboot')], { kind: 'reboot' }), makeStep('two', [trace(top, 'two')])], {
			shell,
		});
		const first = host.call();
		expect(first.code).toBe(3);
		expect(first.stdout).toContain(`After it, log in as root and type: sh ${host.script}`);
		expect(host.call('verdict', 'again').stdout).toMatch(/^same 1 lost/);
		host.reboot('again');
		expect(host.call('verdict', 'again').stdout).toMatch(/^rebooted /);
		expect(host.call().code).toBe(0);
		expect(host.traces()).toEqual(['reboot', 'two']);
	});

	test('asks for no reboot that it could not tell afterwards, as on a full disk', () => {
		host = new HostProgram((top) => [makeStep('again', [trace(top, 'reboot')], { kind: 'reboot' })], { shell });
		mkdirSync(host.path('again'), { recursive: true });
		symlinkSync('/dev/full', host.path('again', 'boot'));
		expect(host.call()).toMatchObject({ code: 1, stderr: expect.stringContaining('no room for its job') as string });
		rmSync(host.path('again', 'boot'));
		expect(host.traces()).toEqual([]);
		expect(host.call().code).toBe(3);
		expect(host.traces()).toEqual(['reboot']);
	});

	test('takes no reboot by hand for one that could not be asked for, as where /var/run is full', () => {
		host = new HostProgram((top) => [makeStep('again', [trace(top, 'reboot')], { kind: 'reboot' })], { shell });
		symlinkSync('/nowhere/marker', '/var/run/bsdup.again');
		expect(host.call()).toMatchObject({ code: 1, stderr: expect.stringContaining('again: there is no room') as string });
		expect(host.state('again')).toBe('0 none');
		host.reboot('again');
		expect(host.call().code).toBe(3);
		expect(host.traces()).toEqual(['reboot']);
	});

	test('leaves out a reboot whose test holds before it was begun, and no other', () => {
		const reboot = (id: string, top: string, done: string): Step => makeStep(id, [trace(top, id)], { kind: 'reboot', done });
		host = new HostProgram((top) => [reboot('held', top, 'true'), reboot('open', top, `[ -s '${top}/trace' ]`)], { shell });
		expect(host.call().code).toBe(3);
		expect(host.traces()).toEqual(['open']);
		// What was begun is over when the host has rebooted, and not before, whatever its test says.
		expect(host.call('settle', 'open').code).toBe(1);
		host.reboot('open');
		expect(host.call().code).toBe(0);
		expect(host.traces()).toEqual(['open']);
	});

	test('tells as what the host came back when the step is not done, once, then tries it again', () => {
		const step = (top: string): Step =>
			makeStep('again', [`: >'${top}/no-return'`, trace(top, 'reboot')], {
				...{ kind: 'zone', danger: 'no-return', done: `[ -f '${top}/new' ]`, returned: "echo 'came back as it was'" },
			});
		host = new HostProgram((top) => [step(top)], { shell });
		expect(host.call('returned', 'again')).toMatchObject({ code: 0, stdout: '' });
		expect(host.call().code).toBe(3);
		expect(host.call('returned', 'again')).toMatchObject({ code: 0, stdout: '' });
		host.reboot('again');
		expect(host.call()).toMatchObject({ code: 1, stderr: expect.stringContaining('verdict: came back as it was') as string });
		expect(host.call().code).toBe(3);
		host.reboot('again');
		writeFileSync(join(host.top, 'new'), '');
		expect(host.call('returned', 'again')).toMatchObject({ code: 0, stdout: 'came back as it was' });
		expect(host.call().code).toBe(0);
		expect(host.traces()).toEqual(['reboot', 'reboot']);
	});

	test.each([
		['disruptive', 1],
		['no-return', 3],
	] as const)('tells once that the old system runs after a reboot that is %s, then tries it again', (danger, code) => {
		const step = (top: string): Step =>
			makeStep('again', [trace(top, 'reboot')], { kind: 'zone', danger, done: `[ -f '${top}/new' ]`, proof: `[ -f '${top}/new' ]` });
		host = new HostProgram((top) => [step(top)], { shell });
		expect(host.call().code).toBe(3);
		host.reboot('again');
		const told = host.call();
		expect(told.code).toBe(code);
		if (code === 1) expect(told.stderr).toMatch(/^bsdup: again: verdict: rebooted, old system: .* rollback; to try again: sh /);
		if (code === 1) expect(host.call().code).toBe(3);
		host.reboot('again');
		writeFileSync(join(host.top, 'new'), '');
		expect(host.call().code).toBe(0);
		expect(host.traces()).toEqual(['reboot', 'reboot']);
	});
});

describe.skipIf(!root)('the walk at the console (needs root)', () => {
	test('shows the last line of a step that fails, though what shows it is slow', () => {
		host = new HostProgram((top) => {
			const tail = (signal: string): string => `pkill -${signal} -f 'tail -f ${top}/.*/bad/'`;
			return [makeStep('bad', [`until ${tail('STOP')}; do sleep 0.1; done`, 'echo why', `{ sleep 0.1; ${tail('CONT')}; } &`, 'exit 1'])];
		});
		const { code, stdout } = host.call('--yes');
		expect(code).toBe(1);
		expect(stdout).toMatch(/^why$/m);
	});

	test('stops at a step that fails, says so, and tries it again the next time', () => {
		host = new HostProgram((top) => [
			makeStep('one', [trace(top, 'one')]),
			makeStep('bad', [`[ -f '${top}/go' ] || (echo no go; exit 5)`]),
			makeStep('two', [trace(top, 'two')]),
		]);
		const first = host.call();
		expect(first.code).toBe(1);
		expect(first.stderr).toContain(`bad failed (status 5); its log is ${host.path('bad', '1', 'log')}`);
		expect(host.traces()).toEqual(['one']);
		writeFileSync(join(host.top, 'go'), '');
		expect(host.call().code).toBe(0);
		expect(host.traces()).toEqual(['one', 'two']);
	});

	test('stops at a step whose proof does not hold, and tries it again the next time', () => {
		host = new HostProgram((top) => [
			makeStep('one', [trace(top, 'one')], { proof: `[ -f '${top}/go' ]` }),
			makeStep('two', [trace(top, 'two')]),
		]);
		for (const once of [['one'], ['one', 'one']]) {
			expect(host.call()).toMatchObject({ code: 1, stderr: expect.stringContaining('its proof does not hold') as string });
			expect(host.traces()).toEqual(once);
		}
		writeFileSync(join(host.top, 'go'), '');
		expect(host.call().code).toBe(0);
		expect(host.traces()).toEqual(['one', 'one', 'one', 'two']);
	});

	test('that is interrupted leaves nothing behind that writes to the terminal, and the step goes on', async () => {
		host = new HostProgram((top) => [makeStep('slow', [trace(top, 'began'), `while [ ! -f '${top}/go' ]; do sleep 0.1; done`])]);
		const walk = host.launch();
		const tail = (): boolean => spawnSync('pgrep', ['-f', `tail -f ${host.top}`]).status === 0;
		await until(() => host.traces().includes('began') && tail());
		process.kill(-walk.pid, 'SIGINT');
		expect(await walk.ended).toBe(130);
		expect(tail()).toBe(false);
		writeFileSync(join(host.top, 'go'), '');
		await until(() => host.state('slow') === '1 ok');
	});

	test('that is interrupted in a step that asks here does not say that it goes on by itself', async () => {
		host = new HostProgram((top) => [makeStep('asks', [trace(top, 'began'), 'sleep 60'], { attended: true })]);
		const walk = spawn('sh', [host.script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
		let said = '';
		walk.stdout.setEncoding('utf8').on('data', (text: string) => {
			said += text;
		});
		const ended = new Promise((resolve) => walk.once('close', resolve));
		await until(() => host.traces().includes('began'));
		process.kill(-(walk.pid ?? 0), 'SIGINT');
		expect(await ended).toBe(130);
		expect(said).toContain(`\nInterrupted. To go on: sh ${host.script}\n`);
		expect(host.state('asks')).toBe('1 lost');
	});

	test('goes no way that is not the one asked for beside --yes', () => {
		host = new HostProgram(three);
		expect(host.call('--yes', 'rollback')).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('rollback would not be done') as string,
		});
		expect(host.traces()).toEqual([]);
	});

	test('that cannot leave the script in the directory of the run begins nothing', () => {
		host = new HostProgram(three);
		const { status, stderr } = spawnSync('sh', { encoding: 'utf8', input: readFileSync(host.script) });
		expect([status, stderr]).toEqual([1, expect.stringContaining(`cannot be laid into ${host.dir}`)]);
		expect([host.state('one'), existsSync(`${host.script}.new`)]).toEqual(['0 none', false]);
		// One that lies there already needs no room: what would be written is led to where nothing can be.
		const copy = join(host.top, 'copy.sh');
		writeFileSync(copy, readFileSync(host.script));
		symlinkSync('/dev/full', `${host.script}.new`);
		const again = host.callFile(copy, '--yes');
		expect([again.code, again.stderr]).toEqual([0, '']);
	});

	test('says to somebody else than root who may do it', () => {
		host = new HostProgram(three);
		const copy = join(host.top, 'copy.sh');
		renameSync(host.script, copy);
		rmSync(host.dir, { recursive: true });
		chmodSync(host.top, 0o755);
		const { status, stderr } = spawnSync('sh', [copy], { encoding: 'utf8', uid: 65534, gid: 65534 });
		expect([status, stderr]).toEqual([1, expect.stringContaining('must be root')]);
	});

	test('does not pass a reboot that was asked for and never came', () => {
		host = new HostProgram((top) => [makeStep('again', ['true'], { kind: 'reboot' }), makeStep('two', [trace(top, 'two')])]);
		expect(host.call().code).toBe(3);
		expect(host.call().code).toBe(3);
		expect(host.traces()).toEqual([]);
	});

	test('wants both signs of a reboot: another boot time alone is none', () => {
		host = new HostProgram((top) => [makeStep('again', [trace(top, 'reboot')], { kind: 'reboot' })]);
		expect(host.call().code).toBe(3);
		host.reboot();
		expect(host.call('verdict', 'again').stdout).toMatch(/^same /);
	});

	test('runs the zone again when the host rebooted before it was complete', () => {
		host = new HostProgram((top) => [makeStep('zone', [trace(top, 'zone')], { kind: 'zone', done: `[ -f '${top}/complete' ]` })]);
		expect(host.call().code).toBe(3);
		host.reboot('zone');
		expect(host.call().code).toBe(3);
		expect(host.traces()).toEqual(['zone', 'zone']);
		writeFileSync(join(host.top, 'complete'), '');
		host.reboot('zone');
		expect(host.call().code).toBe(0);
		expect(host.traces()).toEqual(['zone', 'zone']);
	});

	test('follows a job that runs already instead of starting another', async () => {
		host = new HostProgram((top) => [makeStep('slow', [trace(top, 'began'), `while [ ! -f '${top}/go' ]; do sleep 0.1; done`])]);
		host.call('start', 'slow', '1');
		await until(() => host.traces().includes('began'));
		const walk = host.launch();
		await until(() => existsSync(join(host.top, 'lock')) || existsSync(join(host.dir, 'console.pid')));
		writeFileSync(join(host.top, 'go'), '');
		expect(await walk.ended).toBe(0);
		expect(host.traces()).toEqual(['began']);
	});

	test.each([
		['exit 0', 3],
		['exit 4', 1],
	])('follows a reboot that another began, and ends as its own would where that ends by %s', async (end, code) => {
		host = new HostProgram((top) => [
			makeStep('zone', [`while [ ! -s '${top}/go' ]; do sleep 0.1; done`, `. '${top}/go'`], { kind: 'zone' }),
		]);
		host.launch('lead', 'zone', '1');
		await until(() => host.state('zone') === '1 running');
		const walk = host.launch();
		await until(() => existsSync(join(host.dir, 'console.start')));
		writeFileSync(join(host.top, 'go'), end);
		expect(await walk.ended).toBe(code);
	});

	test('says of a step that asks at another terminal how it is ended where that is gone, and begins it again then', async () => {
		host = new HostProgram((top) => [makeStep('merge', [trace(top, 'merge'), `[ -f '${top}/go' ] || sleep 60`], { attended: true })]);
		host.launch('attended', 'merge');
		await until(() => host.traces().includes('merge') && existsSync(host.path('merge', '1', 'act.start')));
		const { code, stderr } = host.call();
		expect([code, stderr]).toEqual([1, expect.stringContaining('merge still runs at the terminal where it was begun')]);
		const back = spawn('sh', [host.script, 'rollback'], { stdio: ['ignore', 'pipe', 'ignore'] });
		let said = '';
		back.stdout.on('data', (text: Buffer) => (said += text.toString()));
		await until(() => said.includes('end it: sh -c'));
		await sleep(2500);
		back.kill('SIGKILL');
		expect(said.match(/waits for the end of merge$/gm)).toHaveLength(1);
		rmSync(join(host.dir, 'turned'));
		writeFileSync(join(host.top, 'go'), '');
		const end = /sh -c '.*'(?=;)/.exec(stderr)?.[0] ?? '';
		expect(spawnSync('sh', ['-c', end]).status).toBe(0);
		await until(() => host.state('merge') !== '1 running');
		expect(host.call().code).toBe(0);
		expect(host.traces()).toEqual(['merge', 'merge']);
	});

	test('is refused while another run holds the host, naming it', () => {
		host = new HostProgram(three);
		const other = new HostProgram(three, { top: host.top, run: 'run-other' });
		other.call('hold', 'someone@desk');
		const { code, stderr } = host.call('--yes');
		expect(code).toBe(1);
		expect(stderr).toContain('held by run-other someone@desk; go on with that run: ');
		expect(stderr).toContain(`or take it back: sh ${other.script} rollback`);
		expect(host.traces()).toEqual([]);
	});

	test.each([['--yes'], ['rollback']])('refused the host leaves nothing of the run that was begun from elsewhere, asked by %s', (verb) => {
		host = new HostProgram(three);
		const other = new HostProgram(three, { top: host.top, run: 'run-other' });
		other.call('hold', 'someone@desk');
		const copy = join(host.top, 'copy.sh');
		renameSync(host.script, copy);
		rmSync(host.dir, { recursive: true });
		const held = expect.stringContaining('held by run-other someone@desk') as string;
		expect(other.callFile(copy, verb)).toMatchObject({ code: 1, stderr: held });
		expect(existsSync(host.dir)).toBe(false);
		host.lay();
		expect(host.call(verb)).toMatchObject({ code: 1, stderr: held });
		expect(existsSync(host.script)).toBe(true);
	});

	test('begun from a copy elsewhere leaves the script in the directory of the run', () => {
		host = new HostProgram(three);
		const copy = join(host.top, 'copy.sh');
		writeFileSync(copy, readFileSync(host.script));
		writeFileSync(host.script, 'exit 9\n');
		const at = new HostProgram(() => [], { top: host.top, run: 'run-unused' });
		expect(at.callFile(copy, '--yes').code).toBe(0);
		expect(readFileSync(host.script, 'utf8')).toBe(readFileSync(copy, 'utf8'));
		expect(host.traces()).toEqual(['one', 'merge', 'two']);
	});
});

describe('the status of a run', () => {
	test('tells every step and where it stands, in order, and changes nothing', async () => {
		host = new HostProgram((top) => [...three(top), makeStep('bad', ['exit 4'])]);
		host.call('start', 'one', '1');
		host.call('start', 'bad', '1');
		await until(() => host.state('one') === '1 ok' && host.state('bad') === '1 failed 4');
		const words = host
			.call('status')
			.stdout.split('\n')
			.map((line) => line.split(/\s+/).slice(0, 2).join(' '));
		expect(words).toEqual(['ok one', 'none sure', 'none merge', 'none two', 'failed bad']);
		expect(host.traces()).toEqual(['one']);
	});

	test.skipIf(!root)('of a run that was not begun is that nothing was, and makes nothing (needs root)', () => {
		host = new HostProgram(three);
		const copy = join(host.top, 'copy.sh');
		renameSync(host.script, copy);
		rmSync(host.dir, { recursive: true });
		const words = expect.stringMatching(/^none +one [\s\S]*none +two /) as string;
		expect(new HostProgram(() => [], { top: host.top, run: 'run-unused' }).callFile(copy, 'status')).toMatchObject({
			code: 0,
			stdout: words,
		});
		expect(existsSync(host.dir)).toBe(false);
	});

	test.skipIf(!root)('tells a reboot that has come as one, and that the run was taken back (needs root, for its marker)', () => {
		host = new HostProgram((top) => [makeStep('again', [trace(top, 'reboot')], { kind: 'reboot' })]);
		host.call('start', 'again', '1');
		host.reboot('again');
		expect(host.call('status').stdout).toMatch(/^rebooted again /);
		writeFileSync(join(host.dir, 'turned'), '');
		writeFileSync(join(host.dir, 'rolled-back'), '2026-11-25T00:00:00Z\n');
		expect(host.call('status').stdout).toMatch(/^this run was taken back \(2026-11-25T00:00:00Z\)/);
	});

	test('refuses an unknown verb and an unknown step', () => {
		host = new HostProgram(three);
		expect(host.call('dance')).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown verb: dance') as string });
		expect(host.call('start', 'nothing', '1').code).toBe(1);
	});
});
