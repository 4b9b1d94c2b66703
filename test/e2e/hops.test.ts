import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import { planText } from '../../src/plan/text.ts';
import { LAB } from '../lab/ability.ts';
import { publish } from '../lab/mirror.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { cutAt } from './cut.ts';
import { differences } from './proof.ts';
import { executed, jobsOf } from './run-record.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

/** The plans of all runs, in their order. */
function plansOf(on: World): Plan[] {
	const runs = readdirSync(on.state).filter((name) => name.startsWith('run-'));
	return runs.sort().map((run) => JSON.parse(readFileSync(join(on.state, run, 'plan.json'), 'utf8')) as Plan);
}

describe.skipIf(LAB === null)('an upgrade over several releases (needs a practice host)', () => {
	test('is shown whole before, goes one release at a time, each proven before the next begins, and is resumed in whichever hop it was cut', async () => {
		world = await makeWorld('7.7', '7.8');
		const on = world;
		publish(on.mirror.dir, '7.9');
		const words = [on.host.ssh.spec, ...on.host.flags, '--to', '7.9', '--mirror', on.mirror.url, '--no-backup', '--unattended'];
		const shown = await on.bsdup(['upgrade', ...words, '--dry-run', '--yes']);
		expect([shown.code, shown.stderr]).toEqual([0, '']);
		await cutAt(on, ['upgrade', ...words, '--yes', '--patience', '1'], 'OpenBSD 7.8 to 7.9', (kill) => kill('SIGKILL'));
		expect((await on.host.inside('sysctl -n kern.osrelease')).output).toBe('7.8\n');
		const went = await on.bsdup(['resume', '--yes', '--patience', '1']);
		expect([went.code, went.stderr]).toEqual([0, '']);
		const [first, second, ...others] = plansOf(on);
		if (first === undefined || second === undefined) throw new Error('there are two runs');
		expect(others).toEqual([]);
		expect(first.onward?.hops.map(({ to }) => to)).toEqual(['7.9']);
		// The id of the run is made of the moment, and the plan's hash is told shortened.
		const run = /^run (\S+), plan/m.exec(shown.stdout)?.[1] ?? '';
		const plain = (text: string): string =>
			text
				.replaceAll(run, first.run)
				.replaceAll(run.replace('run-', ''), first.run.replace('run-', ''))
				.replace(/, plan [0-9a-f]{12}/g, '');
		expect(plain(shown.stdout)).toBe(`${plain(planText(first))}\n`);
		const own = (text: string): string[] =>
			plain(text)
				.split('\n')
				.filter((line) => line.startsWith('     '));
		expect(own(planText(second))).toEqual(own(first.onward?.hops[0]?.text ?? ''));
		for (const plan of [first, second]) expect(await executed(on, plan)).toEqual(jobsOf(plan));
		expect((await on.bsdup(['resume', '--yes'])).code).toBe(0);
		expect(plansOf(on)).toHaveLength(2);
		expect((await on.host.inside('ls -d /usr/rel /home/rel 2>/dev/null')).output).toBe('');
		expect(await differences(on, '7.9')).toEqual([]);
	});
});
