import { spawnSync } from 'node:child_process';
import {
	chmodSync,
	chownSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BsdupError } from '../../src/errors.ts';
import { openJournal, readJournal } from '../../src/journal/journal.ts';
import { createRun, newestRun, openRun, type RunFolder, stateDir } from '../../src/journal/state.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { ROOT } from '../lab/root.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from '../plan/make.ts';
import { plan, tempDir } from './folder.ts';

let top: ReturnType<typeof tempDir>;
let state: string;
let umask: number;
beforeEach(() => {
	umask = process.umask(0);
	top = tempDir();
	state = join(top.dir, 'a', 'bsdup');
});
afterEach(() => {
	process.umask(umask);
	top.remove();
});

const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const begin = (): RunFolder => createRun(state, plan, 'root@db1', { become: 'none' });

/** The code of what it throws. */
function codeOf(act: () => unknown): string | undefined {
	try {
		act();
		return undefined;
	} catch (error) {
		if (error instanceof BsdupError) return error.code;
		throw error;
	}
}

test('the runs are where --state says, else where XDG says, else in the home; what is empty or relative says nothing', () => {
	vi.stubEnv('XDG_STATE_HOME', '/x');
	expect([stateDir('/s'), stateDir(undefined)]).toEqual(['/s', '/x/bsdup']);
	for (const nothing of ['', 'state', './state']) {
		vi.stubEnv('XDG_STATE_HOME', nothing);
		expect(stateDir(undefined)).toBe(join(homedir(), '.local/state/bsdup'));
	}
	vi.unstubAllEnvs();
});

describe('the state on the controller', () => {
	test('is for its owner alone, whatever the umask, and nothing temporary is left', () => {
		const folder = begin();
		openJournal(folder.journal).close();
		expect([state, folder.dir].map(mode)).toEqual(['700', '700']);
		expect(readdirSync(folder.dir).sort()).toEqual(['RECOVERY', 'host.json', 'journal.jsonl', 'plan.json']);
		for (const name of readdirSync(folder.dir)) expect([name, mode(join(folder.dir, name))]).toEqual([name, '600']);
		expect(openRun(state, plan.run)).toEqual(folder);
	});

	test('stays that of its host where a run of another one was begun in the same second, and has the same name', () => {
		const folder = begin();
		const facts = makeFacts({ host: 'host1.example.net' });
		const other = buildPlan(inPlace, facts, makeTarget('7.8'), makeOptions(), 'in-place');
		expect(other.run).toBe(plan.run);
		expect(codeOf(() => createRun(state, other, 'root@db1.example.net', {}))).toBe('E_RUN_TAKEN');
		expect(openRun(state, plan.run)).toEqual(folder);
		expect(createRun(state, plan, 'db1', {}).host).toBe('db1');
		expect(createRun(state, other, 'db1', {}).plan.hash).toBe(other.hash);
	});

	test('is mended where its modes were loosened', () => {
		const folder = begin();
		openJournal(folder.journal).close();
		chmodSync(folder.dir, 0o755);
		chmodSync(folder.journal, 0o644);
		begin();
		openJournal(folder.journal).close();
		expect([folder.dir, folder.journal].map(mode)).toEqual(['700', '600']);
	});

	test('is refused where others may write to its top, which is not mended', () => {
		mkdirSync(state, { recursive: true, mode: 0o777 });
		expect(codeOf(begin)).toBe('E_STATE_MODE');
		expect(codeOf(() => openRun(state, plan.run))).toBe('E_STATE_MODE');
		expect(readdirSync(state)).toEqual([]);
		expect(mode(state)).toBe('777');
	});

	test('is refused where its directory cannot be made, below /proc too, which says so oddly', () => {
		const made = join(ROOT, 'dist/src/journal/disk.js');
		for (const place of ['/proc/bsdup/runs', '/dev/null/runs']) {
			const program = `import { makeTop } from ${JSON.stringify(made)}; try { makeTop('${place}') } catch ({ code }) { console.log(code) }`;
			const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 20_000 });
			expect([place, stdout]).toEqual([place, 'E_STATE_WRITE\n']);
		}
	});

	test.skipIf(process.getuid?.() !== 0)('that somebody else keeps shut is told as theirs (needs root, to be another)', () => {
		mkdirSync(state, { recursive: true });
		chmodSync(join(top.dir, 'a'), 0o700);
		const made = JSON.stringify(join(ROOT, 'dist/src/journal/disk.js'));
		const program = `import { checkTop } from ${made}; process.seteuid(65534); try { checkTop('${state}') } catch ({ code }) { console.log(code) }`;
		expect(spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).stdout).toBe('E_STATE_OWNER\n');
	});

	test('that cannot be begun is told as such, not as one to resume', () => {
		let thrown: unknown;
		try {
			createRun('/dev/null/runs', plan, 'root@db1', {});
		} catch (error) {
			thrown = error;
		}
		expect(thrown).toMatchObject({
			code: 'E_STATE_WRITE',
			state: 'Nothing was changed on the host.',
			next: ['make room and permit writing in /dev/null/runs', expect.stringContaining('--state'), 'then: the same command again'],
		});
	});

	test.skipIf(process.getuid?.() !== 0)('of somebody else is refused: its top, a folder, a file (needs root, to give them away)', () => {
		const folder = begin();
		openJournal(folder.journal).close();
		for (const path of [state, folder.dir, join(folder.dir, 'plan.json'), join(folder.dir, 'host.json')]) {
			chownSync(path, 12_345, 0);
			expect([path, codeOf(() => openRun(state, plan.run))]).toEqual([path, 'E_STATE_OWNER']);
			chownSync(path, 0, 0);
		}
		chownSync(folder.journal, 12_345, 0);
		expect(codeOf(() => openJournal(folder.journal))).toBe('E_STATE_OWNER');
		expect(codeOf(() => readJournal(folder.journal))).toBe('E_STATE_OWNER');
	});

	test('is never followed through a planted link: folder, plan, host, journal', () => {
		const folder = begin();
		openJournal(folder.journal).close();
		const away = join(top.dir, 'away');
		for (const path of [folder.dir, join(folder.dir, 'plan.json'), join(folder.dir, 'host.json')]) {
			renameSync(path, away);
			symlinkSync(away, path);
			expect([path, codeOf(() => openRun(state, plan.run))]).toEqual([path, 'E_STATE_OWNER']);
			expect([path, codeOf(() => newestRun(state, () => true))]).toEqual([path, 'E_STATE_OWNER']);
			rmSync(path);
			renameSync(away, path);
		}
		renameSync(folder.journal, away);
		symlinkSync(away, folder.journal);
		const before = readFileSync(away);
		expect(codeOf(() => openJournal(folder.journal))).toBe('E_STATE_OWNER');
		expect(codeOf(() => readJournal(folder.journal))).toBe('E_STATE_OWNER');
		expect(readFileSync(away)).toEqual(before);
	});

	test('written over a link in the place of a temporary or a final name leaves what it points at alone', () => {
		const folder = begin();
		const victim = join(top.dir, 'victim');
		writeFileSync(victim, 'mine');
		for (const name of ['plan.json', 'host.json', `plan.json.${process.pid}.tmp`]) {
			rmSync(join(folder.dir, name), { force: true });
			symlinkSync(victim, join(folder.dir, name));
		}
		begin();
		expect(readFileSync(victim, 'utf8')).toBe('mine');
		expect(openRun(state, plan.run)).toEqual(folder);
	});

	test('whose run names leave the directory are unknown', () => {
		begin();
		for (const run of ['run-/../../x', '../run-x', 'run-X', 'run-20261123220737-host1/'])
			expect(codeOf(() => openRun(state, run))).toBe('E_RUN_UNKNOWN');
	});
});

describe('a damaged folder', () => {
	const damage: [what: string, file: string, text: string, code: string][] = [
		['a plan that is no plan', 'plan.json', '\0'.repeat(100), 'E_PLAN_FORMAT'],
		['an edited plan', 'plan.json', JSON.stringify({ ...plan, recovery: 'x' }), 'E_PLAN_EDITED'],
		['no word on the host', 'host.json', '{', 'E_RUN_HOST'],
	];
	test.each(damage)('with %s is refused, tells the way on, and no older run is taken in its place', (_what, file, text, code) => {
		const folder = begin();
		writeFileSync(join(folder.dir, file), text);
		let thrown: unknown;
		try {
			newestRun(state, ({ host }) => host === 'root@db1');
		} catch (error) {
			thrown = error;
		}
		expect(thrown).toMatchObject({ code });
		expect((thrown as BsdupError).next[0]).toContain('bsdup resume HOST');
	});

	test.each(['', JSON.stringify({ ...plan, format: 2 })])('of another host is in nobody else’s way: %.20s', (text) => {
		const folder = begin();
		writeFileSync(join(folder.dir, 'plan.json'), text);
		expect(newestRun(state, ({ host }) => host === 'root@db2')).toBeUndefined();
	});
});
