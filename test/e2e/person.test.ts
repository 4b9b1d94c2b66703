import { afterEach, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld, type Outcome, type World } from '../lab/world.ts';
import { expectWhole, record, resume, until } from './cut.ts';
import { upgradeArgs } from './proof.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

describe.skipIf(LAB === null)('a person who watches a run (needs a practice host)', () => {
	test('ends bsdup with Ctrl-C, not the job, is told how to go on, and cannot carry a run twice at once', async () => {
		world = await makeWorld('7.7', '7.8');
		const on = world;
		let second: Outcome | undefined;
		const { code, stdout, stderr } = await until(on, 'unpacking xbase', (kill) => {
			void on.bsdup(['resume', '--yes']).then((result) => {
				second = result;
				kill('SIGINT');
			});
		});
		expect(second?.stderr).toMatch(/^bsdup: run-\S+ is carried by process \d+ on this machine since 20\S+\nCode: {2}E_RUN_BUSY\n/);
		expect(second?.code).toBe(1);
		expect(stdout).toMatch(/Interrupted\. What runs on the host goes on by itself\. To go on: bsdup resume run-\S+\n$/);
		expect([code, stderr]).toEqual([130, '']);
		await resume(on);
		const attempts = (await record(on)).filter((line) => line.startsWith('zone '));
		expect(attempts).toEqual(['zone 1 already']);
		await expectWhole(on, []);
	});

	test('pauses after each reboot to look, and goes on', async () => {
		world = await makeWorld('7.7', '7.8');
		const on = world;
		const first = await on.bsdup([...upgradeArgs(on, '7.8'), '--pause-at-reboot']);
		expect([first.code, first.stderr]).toEqual([3, '']);
		expect(first.stdout).toMatch(/Paused\. To go on: bsdup resume run-\S+\n$/);
		expect((await on.bsdup(['status', on.host.ssh.spec])).stdout).toMatch(
			/^run \S+: waiting$[\s\S]*^done {5}zone [\s\S]*^Next: makedev\. To go on/m,
		);
		const again = ['resume', on.host.ssh.spec, '--yes', '--patience', '1', '--pause-at-reboot'];
		expect((await on.bsdup(again)).code).toBe(3);
		const last = await on.bsdup(again);
		expect([last.code, last.stderr]).toEqual([0, '']);
		expect(last.stdout.match(/^down for /gm)).toHaveLength(2);
		await expectWhole(on, []);
	});
});
