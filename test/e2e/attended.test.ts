import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { ROOT } from '../lab/root.ts';
import { talk } from '../lab/terminal.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { BACKUP, started, targetFlags } from './proof.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

const MERGE = 'How should I deal with this? [Leave it for later] ';

async function etc(on: World, file: string): Promise<string> {
	return (await on.host.inside(`cat /etc/${file}`)).output;
}

const able = LAB === 'root' && existsSync('/usr/bin/script');

describe.skipIf(!able)('a person at a terminal (needs root, for OpenSSH, and script)', () => {
	test('confirms, merges and sees the packages over SSH, on a terminal of their own size; the list leaves the screen to them', async () => {
		world = await makeWorld('7.7', '7.8');
		const { host, env } = world;
		const argv = [process.execPath, join(ROOT, 'dist/src/cli.js'), 'upgrade', host.ssh.spec, ...host.flags];
		const { code, shown, unasked } = await talk(
			[...argv, ...targetFlags(world, '7.8'), ...BACKUP],
			[
				['Go on? Type yes: ', 'yes'],
				[MERGE, 'i'],
			],
			env,
		);
		expect(unasked).toEqual([]);
		expect(shown).toContain('===> Installing /etc/ssh/sshd_config');
		expect(shown).toContain('gtar-1.0: |**********| 100%');
		expect(shown).toContain('proven: OpenBSD 7.8');
		expect(code).toBe(0);
		expect(await etc(world, 'ssh/sshd_config')).not.toContain('# changed on this host');
		expect(started(world, '/usr/sbin/pkg_add -u')).toBe(1);
	});

	test('who does not say yes changes nothing of the system, and is told how to go on', async () => {
		world = await makeWorld('7.7', '7.8');
		const { host, env } = world;
		const argv = [process.execPath, join(ROOT, 'dist/src/cli.js'), 'upgrade', host.ssh.spec, ...host.flags];
		const { code, shown } = await talk([...argv, ...targetFlags(world, '7.8'), ...BACKUP], [['Go on? Type yes: ', 'no']], env);
		expect(shown).toContain('E_NOT_CONFIRMED');
		expect(shown).toMatch(/Next: {2}bsdup resume run-/);
		expect(code).toBe(1);
		expect((await host.inside('ls /obsd /sbin/oreboot')).code).not.toBe(0);
	});

	test('who types Ctrl-C at the question is told how to go on, with status 130; the end of the input is no yes', async () => {
		world = await makeWorld('7.7', '7.8');
		const { host, env } = world;
		const bsdup = [process.execPath, join(ROOT, 'dist/src/cli.js')];
		const argv = [...bsdup, 'upgrade', host.ssh.spec, ...host.flags, ...targetFlags(world, '7.8'), ...BACKUP];
		const cut = await talk(argv, [['Go on? Type yes: ', '\x03']], env);
		expect(cut.shown).toMatch(/Interrupted\. .* To go on: bsdup resume run-/);
		expect([cut.code, cut.shown.includes('Error')]).toEqual([130, false]);
		expect((await world.bsdup(['status'])).stdout).toMatch(/^run \S+: interrupted$/m);
		const ended = await talk([...bsdup, 'resume'], [['Go on? Type yes: ', '\x04']], env);
		expect(ended.shown).toContain('E_NOT_CONFIRMED');
		expect(ended.code).toBe(1);
	});

	test('is asked the same by resume.sh at the console', async () => {
		world = await makeWorld('7.7', '7.8');
		const { host } = world;
		const facts = await world.bsdup(['facts', host.ssh.spec, ...host.flags, '--json']);
		const file = join(host.dir, 'facts.json');
		writeFileSync(file, facts.stdout);
		const made = await world.bsdup([
			'plan',
			'--facts',
			file,
			...targetFlags(world, '7.8'),
			...BACKUP,
			'--format',
			'sh',
			'--out',
			join(host.dir, 'lab/up.sh'),
		]);
		expect(made.stderr).toBe('');
		const at = (line: string, answers: [string, string][]) =>
			talk(['sh', '-c', line], answers, {}, ([, ...args]) => host.enter(['/lab/real/bin/script', ...args]));
		const first = await at('cp /lab/up.sh /root/up.sh; sh /root/up.sh', [['Go on? Type yes: ', 'yes']]);
		expect(first.unasked).toEqual([]);
		await host.upAgain(2);
		const second = await at('sh /var/db/bsdup/run-*/resume.sh', [[MERGE, '']]);
		expect(second.unasked).toEqual([]);
		expect(second.shown).toContain('---- /etc/ssh/sshd_config unhandled');
		await host.upAgain(3);
		const third = await at('sh /var/db/bsdup/run-*/resume.sh', []);
		expect(third.shown).toContain('done    the host runs the new system');
		expect(third.code).toBe(0);
	});
});
