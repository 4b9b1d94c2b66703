import { existsSync, lstatSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Step } from '../../src/plan/plan.ts';
import { HostProgram, makeStep, SHELLS, trace, until } from './host-program.ts';

let host: HostProgram;
afterEach(() => host.remove());
const root = process.getuid?.() === 0;

/** Steps that lay a file down and take it away again. */
const laying = (top: string, ...ids: string[]): Step[] =>
	ids.map((id) =>
		makeStep(id, [trace(top, id), `: >'${top}/${id}.laid'`, `[ ! -f '${top}/fail' ]`], {
			undo: `${trace(top, `undo-${id}`)}\nrm -f '${top}/${id}.laid'`,
			undone: `[ ! -f '${top}/${id}.laid' ]`,
		}),
	);
const run = async (...ids: string[]): Promise<void> => {
	for (const id of ids) {
		host.call('start', id, '1');
		await until(() => /1 (ok|failed)/.test(host.state(id)));
	}
};

describe.skipIf(!root).each(SHELLS)('a run that is taken back at the console, in %s (needs root)', (shell) => {
	test('goes back after a reboot without return whose own lines say that nothing was changed, and not where they do not', () => {
		const zone = (top: string): Step => {
			const mark = `'${top}/run-t${process.pid}/no-return'`;
			const returned = `[ -f '${top}/changed' ] || rm -f ${mark}`;
			return makeStep('zone', [`: >${mark}`], { kind: 'zone', danger: 'no-return', done: 'false', undo: trace(top, 'undo'), returned });
		};
		host = new HostProgram((top) => [zone(top)], { shell });
		expect(host.call().code).toBe(3);
		expect(host.call('rollback')).toMatchObject({ code: 1, stderr: expect.stringContaining('the point of no return is passed') as string });
		host.reboot('zone');
		writeFileSync(join(host.top, 'changed'), '');
		expect(host.call('rollback').code).toBe(1);
		rmSync(join(host.top, 'changed'));
		expect(host.call('rollback')).toMatchObject({ code: 0, stderr: '' });
		expect(host.traces()).toEqual(['undo']);
	});

	test('says how it goes on, before what is taken back over a reboot', async () => {
		const over = (top: string): Step => makeStep('over', [trace(top, 'over')], { undo: trace(top, 'undo-over'), undoReboots: true });
		host = new HostProgram((top) => [...laying(top, 'one'), over(top), makeStep('last', [trace(top, 'last')])], { shell });
		await run('one', 'over');
		const { code, stdout } = host.call('rollback');
		expect([code, stdout.match(/^.* After it, log in as root and type: .*$/gm)]).toEqual([
			0,
			[`the host may reboot for it. After it, log in as root and type: sh ${host.script} rollback`],
		]);
		expect(stdout).toMatch(/^undo {4}over: .*\nthe host may reboot/m);
	});

	test('undoes what was begun, last things first, failures too, and nothing else; once; and never goes forward again', async () => {
		host = new HostProgram((top) => [...laying(top, 'one', 'two', 'three'), makeStep('four', [trace(top, 'four')])], { shell });
		await run('one');
		writeFileSync(join(host.top, 'fail'), '');
		await run('two');
		const back = host.call('rollback');
		expect(back).toMatchObject({ code: 0, stderr: '' });
		expect(back.stdout).toMatch(/^undo {4}two: take back: Step two\nundo {4}one: .*\ndone {4}the run is taken back; the host is free$/m);
		expect(host.traces()).toEqual(['one', 'two', 'undo-two', 'undo-one']);
		expect(existsSync(join(host.top, 'one.laid'))).toBe(false);
		expect(host.call('rollback')).toMatchObject({ code: 0, stdout: expect.stringContaining('was taken back') as string });
		expect(host.call('--yes')).toMatchObject({ code: 1, stderr: expect.stringContaining('begin a new one') as string });
		expect(lstatSync(join(host.top, 'lock'), { throwIfNoEntry: false })).toBeUndefined();
		expect(host.call('hold', 'me')).toMatchObject({ code: 77, stdout: expect.stringContaining('was taken back (20') as string });
		expect(host.call('start', 'three', '1').stdout).toMatch(/^1 failed 1\n\nnot begun: this run was taken back/);
		expect(host.call('last', 'three', '1', '8')).toMatchObject({ code: 0, stdout: expect.stringContaining('not begun') as string });
		expect(host.traces()).toHaveLength(4);
	});

	test('tries again what did not show, and is not taken back until it does', async () => {
		host = new HostProgram(
			(top) => [
				makeStep('one', [trace(top, 'one')], { undo: trace(top, 'undo-one'), undone: `[ -f '${top}/go' ]` }),
				makeStep('two', [trace(top, 'two')]),
			],
			{ shell },
		);
		await run('one');
		for (const undone of [['undo-one'], ['undo-one', 'undo-one']]) {
			expect(host.call('rollback')).toMatchObject({ code: 1, stderr: expect.stringContaining('one.undo: it does not show') as string });
			expect(host.traces()).toEqual(['one', ...undone]);
		}
		expect(existsSync(join(host.dir, 'rolled-back'))).toBe(false);
		writeFileSync(join(host.top, 'go'), '');
		expect(host.call('rollback').code).toBe(0);
		expect(host.traces()).toEqual(['one', 'undo-one', 'undo-one']);
	});

	test('is not said to be past its point of no return where it cannot be noted that it goes back, as on a full disk', async () => {
		host = new HostProgram((top) => laying(top, 'one', 'two'), { shell });
		await run('one');
		symlinkSync('/nowhere/turned', join(host.dir, 'turned'));
		const { code, stderr } = host.call('rollback');
		expect([code, stderr]).toEqual([1, expect.stringContaining('nothing was taken back: ')]);
		expect(stderr).not.toContain('no return');
		expect(lstatSync(join(host.top, 'lock'), { throwIfNoEntry: false })).toBeUndefined();
		rmSync(join(host.dir, 'turned'));
		expect(host.call('rollback').code).toBe(0);
		expect(host.traces()).toEqual(['one', 'undo-one']);
	});

	test('cut in the middle goes on where it was', async () => {
		host = new HostProgram((top) => laying(top, 'one', 'two'), { shell });
		host.call('hold', 'me');
		await run('one', 'two');
		host.call('turn', 'me');
		host.call('start', 'two.undo', '1');
		await until(() => host.call('due').stdout.includes('two.undo 1 ok'));
		host.call('leave', 'me');
		expect(host.call('--yes')).toMatchObject({ code: 1, stderr: expect.stringContaining('is being taken back') as string });
		expect(host.call('rollback')).toMatchObject({ code: 0, stderr: '' });
		expect(host.traces()).toEqual(['one', 'two', 'undo-two', 'undo-one']);
	});
});

describe('a run that is at its end', () => {
	test.skipIf(!root)('is taken back as long as the host is not let go (needs root)', async () => {
		host = new HostProgram((top) => laying(top, 'one', 'two'));
		host.call('hold', 'me');
		await run('one', 'two');
		host.call('leave', 'me');
		expect(host.call('rollback')).toMatchObject({ code: 0, stderr: '' });
	});

	test.skipIf(!root)('is not taken back any more, also where the host was held for it once more (needs root)', async () => {
		host = new HostProgram((top) => laying(top, 'one', 'two'));
		host.call('hold', 'me');
		await run('one', 'two');
		host.call('release');
		expect(host.call('turn', 'me').code).toBe(79);
		expect(host.call('rollback')).toMatchObject({ code: 1, stderr: expect.stringContaining('is at its end') as string });
		expect([existsSync(join(host.dir, 'turned')), existsSync(join(host.top, 'lock'))]).toEqual([false, false]);
		// Cut before it let go again.
		host.call('hold', 'me');
		host.call('leave', 'me');
		expect(host.call('turn', 'me').code).toBe(79);
		expect(host.call('rollback')).toMatchObject({ code: 1, stderr: expect.stringContaining('is at its end') as string });
		expect(host.traces()).toEqual(['one', 'two']);
		expect(host.call('--yes')).toMatchObject({ code: 0, stdout: expect.stringContaining('done') as string });
		expect(lstatSync(join(host.top, 'lock'), { throwIfNoEntry: false })).toBeUndefined();
		// What has to act again is not done.
		rmSync(host.path('two', '1'), { recursive: true });
		expect(host.call('rollback')).toMatchObject({ code: 0, stderr: '' });
	});
});

describe('a run that goes back', () => {
	test('passes over what shows that nothing is to be taken back', async () => {
		host = new HostProgram((top) => laying(top, 'one'));
		host.call('hold', 'me');
		await run('one');
		expect(host.call('turn', 'me').code).toBe(0);
		expect(host.call('settle', 'one.undo').code).toBe(1);
		writeFileSync(join(host.top, 'one.laid.gone'), '');
		host.call('start', 'one.undo', '1');
		await until(() => host.call('settle', 'one.undo').code === 0);
		expect(host.call('due').stdout).toBe('one.undo 1 ok');
	});

	test('that was cut between its last word and letting the host go lets it go when it is called again', () => {
		host = new HostProgram((top) => laying(top, 'one'));
		const lock = join(host.top, 'lock');
		expect(host.call('turn', 'me').code).toBe(0);
		writeFileSync(join(host.dir, 'rolled-back'), '2026-11-25T00:00:00Z\n');
		expect(lstatSync(lock).isSymbolicLink()).toBe(true);
		expect(host.call('turn', 'me').code).toBe(78);
		expect(lstatSync(lock, { throwIfNoEntry: false })).toBeUndefined();
	});

	test.skipIf(!root)('waits for what still runs (needs root)', async () => {
		host = new HostProgram((top) => [makeStep('slow', [trace(top, 'slow'), `while [ ! -f '${top}/go' ]; do sleep 0.1; done`])]);
		host.call('start', 'slow', '1');
		await until(() => host.traces().includes('slow'));
		const back = host.launch('rollback');
		await until(() => existsSync(join(host.dir, 'turned')));
		expect(existsSync(join(host.dir, 'rolled-back'))).toBe(false);
		writeFileSync(join(host.top, 'go'), '');
		expect(await back.ended).toBe(0);
	});

	test.skipIf(!root)('is not asked as what the host came back while another carries the run or has the host (needs root)', async () => {
		host = new HostProgram((top) => [
			makeStep('zone', ['exit 3'], { kind: 'zone', danger: 'no-return', done: 'false', undo: ':', returned: trace(top, 'asked') }),
		]);
		host.call('hold', 'ann');
		await run('zone');
		host.reboot('zone');
		expect(host.call('turn', 'me')).toMatchObject({ code: 74, stdout: 'ann' });
		expect(host.traces()).toEqual([]);
		host.call('release');
		const other = new HostProgram(() => [], { top: host.top, run: 'run-other' });
		other.call('hold', 'eve');
		expect(host.call('turn', 'me')).toMatchObject({ code: 75, stdout: 'run-other eve' });
		expect(host.call('rollback')).toMatchObject({ code: 1, stderr: expect.stringContaining('is held by run-other') as string });
		expect(host.traces()).toEqual([]);
		other.call('release');
		expect(host.call('turn', 'me').code).toBe(76);
		expect(host.traces()).toEqual(['asked']);
		expect(existsSync(join(host.top, 'lock'))).toBe(false);
	});

	const zone = (commands: (top: string) => string[]) => (top: string) => [
		...laying(top, 'one'),
		makeStep('zone', commands(top), { kind: 'zone', danger: 'no-return' }),
	];
	const passed = /the point of no return is passed.*RECOVERY/;
	const mark = (top: string): string => `: >"$(echo '${top}'/run-*)"/no-return`;

	test.skipIf(!root).each<[string, (top: string) => string[], number]>([
		['can when its zone failed before the first change', (top) => ['exit 3', mark(top)], 0],
		['cannot when its zone failed after it', (top) => [mark(top), 'exit 3'], 1],
		['cannot when its zone says nothing of it', () => ['exit 3'], 1],
	])('%s (needs root)', async (_what, commands, code) => {
		host = new HostProgram(zone(commands));
		await run('one', 'zone');
		const back = host.call('rollback');
		expect(back.code, back.stderr).toBe(code);
		if (code === 1) expect(back.stderr).toMatch(passed);
		expect(host.call('turn', 'me').code).toBe(code === 1 ? 76 : 78);
		expect(host.traces()).toEqual(code === 1 ? ['one'] : ['one', 'undo-one']);
		expect(existsSync(join(host.dir, 'turned'))).toBe(code === 0);
		expect(existsSync(join(host.top, 'lock'))).toBe(false);
	});
});
