import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { readJournal } from '../../src/journal/journal.ts';
import { openRun } from '../../src/journal/state.ts';
import { statusOf } from '../../src/journal/status.ts';
import { LAB } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { expectWhole, record, until } from './cut.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

describe.skipIf(LAB === null)('a run whose record on the controller is lost (needs a practice host)', () => {
	test('goes on with a journal of zeros, then on another controller that never heard of it; the journal is whole at the end', async () => {
		world = await makeWorld('7.7', '7.8');
		const on = world;
		await until(on, 'running  fetch\n', (kill) => kill('SIGKILL'));
		const run = readdirSync(on.state).find((name) => name.startsWith('run-')) ?? '';
		const journal = join(on.state, run, 'journal.jsonl');
		writeFileSync(journal, Buffer.alloc(statSync(journal).size));
		expect((await on.bsdup(['status'])).stdout).toContain('last line was cut off');
		let seen = '';
		await on.bsdup(['resume', '--yes', '--patience', '1'], (text, kill) => {
			seen += text;
			if (seen.includes('unpacking xbase')) kill('SIGKILL');
		});
		expect(seen).toContain('unpacking xbase');
		const known = statusOf(openRun(on.state, run).plan, readJournal(journal).entries);
		expect(known.steps.find(({ id }) => id === 'check')?.status).toMatch(/done|already/);
		expect(known.next).toBe('zone');

		// A first look at a host is not patient: it is for one that is up.
		await on.host.upAgain(2);
		rmSync(on.state, { recursive: true });
		const { spec } = on.host.ssh;
		const resume = ['resume', spec, ...on.host.flags, '--patience', '1'];
		const unasked = await on.bsdup(resume);
		expect(unasked.stderr).toContain('E_NOT_CONFIRMED');
		expect(unasked.stderr).toMatch(/carried by \S+@\S+, process \d+, since 20/);
		expect(unasked.code).toBe(2);
		const other = await on.bsdup([...resume, '--yes']);
		expect(other.code).toBe(0);
		const { plan, journal: file } = openRun(on.state, run);
		const status = statusOf(plan, readJournal(file).entries);
		expect(status.state).toBe('done');
		expect(status.steps.filter((step) => !['done', 'already'].includes(step.status))).toEqual([]);
		const once = (await record(on)).map((line) => line.replace(/^\S+ /, ''));
		for (const state of once) expect(['1 ok', '0 already', '1 already']).toContain(state);
		await expectWhole(on, []);
	});
});
