import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pinned } from '../../src/fetch/target.ts';
import { hashOf } from '../../src/plan/build.ts';
import { RUNS_ON_HOST } from '../../src/plan/host-scope.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { heldRun } from '../../src/run/held-run.ts';
import { localTransport } from '../../src/transport/local.ts';
import type { RunResult, Transport } from '../../src/transport/transport.ts';
import { plan, tempDir } from '../journal/folder.ts';

/** A host that answers the look with these words. */
const answering = (stdout: string): Transport =>
	({ name: 'root@db1', run: async () => ({ code: 0, signal: null, stdout, stderr: '' }) }) as unknown as Transport;
const holds = (text: string, run = plan.run): Transport => answering(`${run}\nann@desk, process 7, since 2026-11-25T01:02:03Z\n${text}`);
const changed = (changes: object): string => {
	const { hash: _, ...rest } = { ...plan, ...changes } as Plan;
	return JSON.stringify({ ...rest, hash: hashOf(rest) });
};
const refusal = (why: string): object => ({
	...{ code: 'E_HOST_PLAN', exit: 2, message: expect.stringContaining(why) },
	next: expect.arrayContaining([expect.stringContaining('resume.sh')]),
});

describe('the run that holds a host', () => {
	test('is told with its plan and who carried it', async () => {
		expect(await heldRun(holds(JSON.stringify(plan)))).toEqual({ plan, holder: 'ann@desk, process 7, since 2026-11-25T01:02:03Z' });
	});

	test('is none where the host is free', async () => {
		expect(await heldRun(answering(''))).toBeUndefined();
	});

	test('is none where the run that is named is not there any more, as after a restore, and is asked for where it is', async () => {
		const { dir, remove } = tempDir();
		try {
			const local = localTransport({ become: 'none' });
			const run = (script: string): Promise<RunResult> => local.run(script.replaceAll(RUNS_ON_HOST, dir));
			const host = { name: 'root@db1', run } as unknown as Transport;
			symlinkSync(`held-by:${plan.run}`, join(dir, 'lock'));
			expect(await heldRun(host)).toBeUndefined();
			mkdirSync(join(dir, plan.run));
			await expect(heldRun(host)).rejects.toMatchObject(refusal('its plan is not there'));
			writeFileSync(join(dir, plan.run, 'plan.json'), JSON.stringify(plan));
			symlinkSync('ann', join(dir, plan.run, 'holder.1'));
			expect(await heldRun(host)).toEqual({ plan, holder: 'ann' });
		} finally {
			remove();
		}
	});

	test.each([
		['was changed on the host', JSON.stringify({ ...plan, recovery: 'sh evil' }), 'its hash does not fit'],
		['is no plan', 'x', 'is not a plan'],
		['was cut', JSON.stringify(plan).slice(0, -9), 'is not a plan'],
		['is not there', '', 'its plan is not there'],
		['is that of another run', changed({ run: 'run-other' }), 'that of another run'],
		[
			'would write its backup on this machine',
			changed({ receive: { dir: '/root', base: 'x', volumeKiB: 1, about: '{' } }),
			'on the machine that began it',
		],
		[
			'would do so in a hop after it',
			changed({ onward: { request: { to: '7.9', 'backup-here': '/root' }, hops: [{ to: '7.9', list: null, text: '' }] } }),
			'on the machine that began it',
		],
		['names another directory', changed({ dir: '/tmp/x' }), 'that of another run'],
		['would write outside the cache', changed({ fetch: [{ ...plan.fetch[0], name: '../../.ssh/authorized_keys' }] }), 'is not a plan'],
		[
			'would make a directory outside the cache',
			changed({ target: { ...plan.target, list: { ...pinned(plan.target)?.list, sha256: '../..' } } }),
			'not a plan',
		],
	])('is not taken over when its plan %s', async (_what, text, why) => {
		await expect(heldRun(holds(text))).rejects.toMatchObject(refusal(why));
	});

	test('tells no escape sequence of the host to the terminal', async () => {
		await expect(heldRun(holds('x', 'run-\x1b[2Jx'))).rejects.toMatchObject({ message: expect.not.stringContaining('\x1b') });
	});
});
