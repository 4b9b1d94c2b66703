import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openJournal } from '../../src/journal/journal.ts';
import { createRun } from '../../src/journal/state.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { ROOT } from '../lab/root.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from '../plan/make.ts';

const state = mkdtempSync(join(tmpdir(), 'bsdup-state-'));
afterAll(() => rmSync(state, { recursive: true }));

const bsdup = (...args: string[]) =>
	spawnSync(process.execPath, [join(ROOT, 'dist/src/cli.js'), ...args, '--state', state], { encoding: 'utf8' });

describe.skipIf(!existsSync(join(ROOT, 'dist/commands/rollback.js')))('bsdup rollback (needs npm run build)', () => {
	test('--dry-run prints what would undo each step, last things first, and what stays of the others, without the host', () => {
		const facts = makeFacts({ forwarding: true, daemons: { enabled: ['sshd', 'httpd'], running: ['sshd', 'httpd'] } });
		const plan = buildPlan(inPlace, facts, makeTarget('7.8'), makeOptions({ stopForwarding: true }), 'in-place');
		createRun(state, plan, 'root@nowhere.invalid', {});
		const { status, stdout, stderr } = bsdup('rollback', '--dry-run');
		expect([status, stderr]).toEqual([0, '']);
		expect(stdout).toMatch(
			/^forwarding:\n {5}sysctl net\.inet\.ip\.forwarding=1\n[\s\S]*^quiesce:\n {5}echo 'starting what the plan lists'\n {5}.*rcctl -f start httpd [\s\S]*^stage:\n/m,
		);
		expect(stdout).toMatch(/^ {3}boot-blocks: the boot blocks, which are those of the system that runs$/m);
		const shown = JSON.parse(bsdup('rollback', '--dry-run', '--json').stdout) as { undo: { id: string }[] };
		expect(shown.undo.map(({ id }) => id)).toEqual(['forwarding.undo', 'quiesce.undo', 'stage.undo']);
	});

	test('--dry-run of a run that was taken back says that nothing is left, and lists nothing', () => {
		const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions({ run: 'run-20261123220738-back' }), 'in-place');
		const journal = openJournal(createRun(state, plan, 'root@nowhere.invalid', {}).journal);
		journal.append({ kind: 'end', status: 'rolled-back', detail: '' });
		journal.close();
		const { status, stdout } = bsdup('rollback', plan.run, '--dry-run');
		expect([status, stdout]).toEqual([0, 'run-20261123220738-back was taken back; nothing is left to undo.\n']);
		expect(JSON.parse(bsdup('rollback', plan.run, '--dry-run', '--json').stdout)).toEqual({ undo: [], warnings: [] });
	});

	test.each([[[]], [['--dry-run']]])(
		'of a run that is at its end refuses it, without asking the host, and tells where the way back by hand is (%j)',
		(how) => {
			const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions({ run: 'run-20261123220738-done' }), 'in-place');
			const journal = openJournal(createRun(state, plan, 'root@nowhere.invalid', {}).journal);
			journal.append({ kind: 'end', status: 'done', detail: '' });
			journal.close();
			const { status, stdout, stderr } = bsdup('rollback', plan.run, ...how);
			expect([status, stdout]).toEqual([1, '']);
			expect(stderr).toContain('E_RUN_ENDED');
			expect(stderr).toContain('State: What the run made, a system or a backup, stays as it is');
			expect(stderr).toContain(`Next:  bsdup status --recovery ${plan.run} `);
		},
	);

	test('of a host that does not answer is what is to be called again, not a resume, which would refuse', () => {
		const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions({ run: 'run-20261123220740-away' }), 'in-place');
		createRun(state, plan, 'root@127.0.0.1:1', {});
		const { status, stderr } = bsdup('rollback', plan.run, '--patience', '1s');
		expect([status, stderr]).toEqual([1, expect.stringContaining('E_NOT_BACK')]);
		expect(stderr).toContain(`Next:  bsdup rollback ${plan.run} --state ${state}   (once it answers)`);
	});

	test('reaches the host by the key that is typed now, where the one of then has moved', () => {
		const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions({ run: 'run-20261123220741-key' }), 'in-place');
		createRun(state, plan, 'root@127.0.0.1:1', {});
		const { status, stderr } = bsdup('rollback', plan.run, '--identity', join(state, 'moved'), '--patience', '1s');
		expect([status, stderr]).toEqual([2, expect.stringMatching(/no key at .*moved\nCode: *E_IDENTITY/)]);
	});

	test('--recovery --json of its status holds the card', () => {
		const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions({ run: 'run-20261123220742-card' }), 'in-place');
		createRun(state, plan, 'root@nowhere.invalid', {});
		expect(JSON.parse(bsdup('status', plan.run, '--recovery', '--json').stdout)).toMatchObject({ recovery: plan.recovery });
		expect(JSON.parse(bsdup('status', plan.run, '--json').stdout)).not.toHaveProperty('recovery');
	});

	test.each([
		['running', 0, /^The danger zone was begun: once it has changed anything, bsdup rollback refuses/, /^$/],
		['done', 1, /^$/, /cannot be taken back[\s\S]*E_NO_RETURN/],
	] as const)(
		'--dry-run of a run whose step of no return is %s, by the journal, tells that it may be too late',
		(status, code, out, err) => {
			const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions({ run: `run-20261123220739-${status}` }), 'in-place');
			const id = plan.steps.find(({ danger }) => danger === 'no-return')?.id ?? '';
			const journal = openJournal(createRun(state, plan, 'root@nowhere.invalid', {}).journal);
			journal.append({ kind: 'step', id, status, attempt: 1, detail: '' });
			journal.close();
			const told = bsdup('rollback', plan.run, '--dry-run');
			expect(told.status).toBe(code);
			expect(told.stdout).toMatch(out);
			expect(told.stderr).toMatch(err);
		},
	);

	test('of what is no run says so, and passes nothing on to the terminal that could drive it', () => {
		const { status, stderr } = bsdup('rollback', 'run-\x1b[2Jx\x08');
		expect(status).toBe(2);
		expect(stderr).toContain('no run run-x in ');
		expect(stderr).toContain('E_RUN_UNKNOWN');
		// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
		expect(stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
	});

	test('of a host of which nothing is known here says how it is taken back there, whatever other runs the host holds', () => {
		const { status, stderr } = bsdup('rollback', 'db9');
		expect(status).toBe(2);
		expect(stderr).toMatch(
			/no run for db9 in [\s\S]*Next: {2}ls -l \/var\/db\/bsdup\/lock .*\nNext: {2}sh \/var\/db\/bsdup\/RUN\/resume\.sh rollback .*takes it back\)/,
		);
	});
});
