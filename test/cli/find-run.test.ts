import { afterEach, beforeEach, expect, test } from 'vitest';
import { findRun, findRunToResume, hopAfter } from '../../src/cli/find-run.ts';
import { heldBy } from '../../src/journal/decide.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { createRun, type RunFolder } from '../../src/journal/state.ts';
import { statusLines, statusOf } from '../../src/journal/status.ts';
import { buildPlan, goingOn } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { tempDir } from '../journal/folder.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from '../plan/make.ts';

const [first, second] = ['run-20261129040209-db1', 'run-20261129040232-db1'] as const;
const refusal = heldBy('root@db1:22', `${first} somebody, since noon`);
let state: ReturnType<typeof tempDir>;
let refused: RunFolder;
beforeEach(() => {
	state = tempDir();
	refused = begin(second);
	record(refused, { kind: 'end', status: 'failed', detail: refusal });
});
afterEach(() => state.remove());

const typed = ['root@db1', undefined] as const;

test.each(typed)('what is typed for a host (%s) goes to the run that has it, not to a later one that was refused', async (which) => {
	record(begin(first), { kind: 'step', id: 'check', status: 'done', attempt: 1, detail: '' });
	expect(findRun(state.dir, which).run).toBe(first);
	expect((await findRunToResume(which, { state: state.dir, yes: false })).folder.run).toBe(first);
	expect(findRun(state.dir, second).run).toBe(second);
});

test.each(typed)('a run that was refused a host (%s) is the newest again when the other is over, or begun here no more', (which) => {
	expect(findRun(state.dir, which).run).toBe(second);
	record(begin(first), { kind: 'end', status: 'done', detail: '' });
	expect(findRun(state.dir, which).run).toBe(second);
});

test.each(['db1', 'ann@DB1.example.org', 'root@db1:2222'])('a host that is typed in another way (%s) is told its newest run', (which) => {
	const next = expect.arrayContaining([`the same with ${second}   (the newest run of root@db1)`]);
	expect(() => findRun(state.dir, which)).toThrow(expect.objectContaining({ code: 'E_RUN_UNKNOWN', next }));
});

test('a host that has no run is told of no other', () => {
	const next = expect.not.arrayContaining([expect.stringContaining('the same with')]);
	expect(() => findRun(state.dir, 'db2')).toThrow(expect.objectContaining({ code: 'E_RUN_UNKNOWN', next }));
});

test('a run that did something before the host was another run’s is not passed over', () => {
	begin(first);
	record(refused, { kind: 'step', id: 'check', status: 'done', attempt: 1, detail: '' });
	record(refused, { kind: 'end', status: 'failed', detail: refusal });
	expect(findRun(state.dir, 'root@db1').run).toBe(second);
});

test('the status of a run that was refused the host tells which has it', () => {
	const entries = [{ t: 1, kind: 'end', status: 'failed', detail: refusal }] as const;
	expect(statusLines(refused.plan, statusOf(refused.plan, entries))).toContain(`It did nothing: the host was held by ${first}.`);
});

test.each([
	['done', true],
	['interrupted', false],
] as const)('a run that was done goes to the hop after it, which is %s', async (status, done) => {
	record(begin(first, { request: {}, hops: [{ to: '7.9', list: null, text: '' }] }), { kind: 'end', status: 'done', detail: '' });
	record(begin(`${first}-then`), { kind: 'end', status, detail: '' });
	const found = await findRunToResume(first, { state: state.dir, yes: false });
	expect([found.folder.run, found.done]).toEqual([`${first}-then`, done]);
});

test('the status of a run that was done tells where the hop after it stands, once that was begun', () => {
	const onward = { request: {}, hops: [{ to: '7.9', list: null, text: '' }] };
	const folder = begin(first, onward);
	record(folder, { kind: 'end', status: 'done', detail: '' });
	const last = (): string | undefined => {
		const status = statusOf(folder.plan, [{ t: 1, kind: 'end', status: 'done', detail: '' }]);
		return statusLines(folder.plan, status, hopAfter(state.dir, folder)).at(-1);
	};
	expect(last()).toBe(`After it comes the hop to 7.9. To go on with that: bsdup resume ${first}`);
	const hop = begin(`${first}-then`);
	expect(last()).toBe(`The hop to 7.9 after it is ${first}-then: begun. To see that: bsdup status ${first}-then`);
	record(hop, { kind: 'end', status: 'done', detail: '' });
	expect(last()).toBe(`The hop to 7.9 after it is ${first}-then: done. To see that: bsdup status ${first}-then`);
});

function begin(run: string, onward?: Plan['onward']): RunFolder {
	const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions({ run }), 'in-place');
	return createRun(state.dir, goingOn(plan, onward), 'root@db1', {});
}

function record(folder: RunFolder, entry: Parameters<ReturnType<typeof openJournal>['append']>[0]): void {
	const journal = openJournal(folder.journal);
	journal.append(entry);
	journal.close();
}
