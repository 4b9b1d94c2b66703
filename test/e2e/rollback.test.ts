import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Plan } from '../../src/plan/plan.ts';
import { undoSteps, undoText } from '../../src/plan/undo.ts';
import { LAB } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { cutAt } from './cut.ts';
import { tree } from './tree.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

/** The plan of the newest run. */
function planOf(on: World): Plan {
	const run =
		readdirSync(on.state)
			.filter((name) => name.startsWith('run-'))
			.sort()
			.at(-1) ?? '';
	return Plan.parse(JSON.parse(readFileSync(join(on.state, run, 'plan.json'), 'utf8')));
}

function upgradeArgs(on: World): string[] {
	const { spec } = on.host.ssh;
	const backup = ['--backup-to', '/backup', '--backup', '/home', '--volume-size', '100K'];
	return [
		'upgrade',
		spec,
		...on.host.flags,
		'--method',
		'in-place',
		'--to',
		'7.8',
		'--mirror',
		on.mirror.url,
		...backup,
		'--stop-forwarding',
		'--unattended',
		'--yes',
	];
}

describe.skipIf(LAB === null)('bsdup rollback (needs a practice host)', () => {
	test('takes a run back that nobody confirmed, file by file; killed half way it is run again; then a new run can begin', async () => {
		world = await makeWorld('7.7', '7.8');
		const on = world;
		await on.host.inside('sysctl net.inet.ip.forwarding=1; echo mine >/usr/keep');
		const before = await tree(on);
		await cutAt(on, upgradeArgs(on), 'running  quiesce\n', (kill) => kill('SIGINT'));
		const refused = await on.bsdup(['resume']);
		expect(refused.stderr).toMatch(
			/E_NOT_CONFIRMED\nState: .*services that were stopped too\.\nNext: .*--yes[\s\S]*^Next: {2}bsdup rollback run-/m,
		);
		const changed = (await on.host.inside('ls /usr/rel /var/run/rc.d; sysctl net.inet.ip.forwarding')).output;
		expect(changed).toContain('base78.tgz');
		expect(changed).not.toMatch(/httpd|ntpd|forwarding=1/);

		const plan = planOf(on);
		const shown = await on.bsdup(['rollback', '--dry-run']);
		expect(shown).toMatchObject({ code: 0, stdout: `${undoText(plan)}\n` });
		await cutAt(on, ['rollback'], 'done     forwarding.undo\n', (kill) => kill('SIGKILL'));
		expect((await on.bsdup(['resume', '--yes'])).stderr).toMatch(/is being taken back[\s\S]*E_ROLLED_BACK/);
		const back = await on.bsdup(['rollback', on.host.ssh.spec]);
		expect([back.code, back.stderr]).toEqual([0, '']);
		expect(back.stdout).toMatch(/is taken back; practice is free for a new run\.\n$/);
		expect(await tree(on)).toEqual(before);
		const jobs = (
			await on.host.inside(`cd ${plan.dir}/jobs && cat forwarding.undo/1/script quiesce.undo/[0-9]*/script stage.undo/1/script`)
		).output;
		expect(jobs).toBe(
			undoSteps(plan)
				.map(({ commands }) => `${commands.join('\n')}\n`)
				.join(''),
		);
		expect((await on.bsdup(['resume'])).stderr).toMatch(/run-\S+ was taken back\n[\s\S]*E_ROLLED_BACK[\s\S]*bsdup upgrade HOST/);
		expect((await on.bsdup(['status'])).stdout).toMatch(/: rolled-back$[\s\S]*^undone {3}quiesce /m);

		await cutAt(on, upgradeArgs(on), 'running  fetch\n', (kill) => kill('SIGINT'));
		const script = `sh ${planOf(on).dir}/resume.sh`;
		const console = await on.host.inside(`${script} rollback`);
		expect(console.output).toMatch(/^until now carried by \S+, process \d+, since /);
		expect(console.output).toContain('done    the run is taken back; the host is free');
		expect(await tree(on)).toEqual(before);
		expect((await on.host.inside(script)).output).toMatch(/this run was taken back/);
		expect((await on.bsdup(['rollback'])).code).toBe(0);
	});

	test('is refused once the danger zone has begun to change the system, naming the recovery card, and changes nothing', async () => {
		world = await makeWorld('7.7', '7.8');
		const on = world;
		await cutAt(on, upgradeArgs(on), 'unpacking xbase', (kill) => kill('SIGKILL'));
		const { code, stderr } = await on.bsdup(['rollback']);
		const { dir, run } = planOf(on);
		expect(code).toBe(1);
		expect(stderr).toContain('E_NO_RETURN');
		expect(stderr).toContain(`Next:  bsdup resume ${run}`);
		expect(stderr).toContain(`${dir}/RECOVERY`);
		await on.host.upAgain(2);
		const console = await on.host.inside(`sh ${dir}/resume.sh rollback`);
		expect(console.code).toBe(1);
		expect(console.output).toContain(`by hand: ${dir}/RECOVERY`);
		expect((await on.host.inside(`ls ${dir}/turned ${dir}/jobs/stage.undo`)).code).not.toBe(0);
	});
});
