import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { signedList } from '../lab/keys.ts';
import { publish } from '../lab/mirror.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { upgradeArgs } from './proof.ts';

describe.skipIf(LAB === null)('bad input (needs a practice host)', () => {
	let world: World;
	beforeAll(async () => {
		world = await makeWorld('7.7', '7.8');
		publish(world.mirror.dir, '7.9-beta');
	});
	afterAll(() => world.destroy());

	/** Runs it, expects the refusal, and that nothing on the host was begun. */
	async function refused(args: string[], code: string, exit: number): Promise<string> {
		const result = await world.bsdup(args);
		expect(result.stderr).toContain(`Code:  ${code}`);
		expect(result.stderr).toMatch(/State: .+\nNext: {2}.+/);
		expect(result.stderr).not.toMatch(/\n\s+at /);
		expect(result.code).toBe(exit);
		expect((await world.host.inside('ls -d /obsd /usr/rel /sbin/oreboot 2>/dev/null')).output).toBe('');
		return result.stderr;
	}
	const change = (from: string, to: string[]): string[] => {
		const args = upgradeArgs(world, '7.8');
		args.splice(args.indexOf(from), 2, ...to);
		return args;
	};

	test('an unknown host, and host names that would be syntax', async () => {
		await refused(
			upgradeArgs(world, '7.8').map((word) => (word === world.host.ssh.spec ? 'nowhere.invalid' : word)),
			'E_CONNECT',
			1,
		);
		for (const name of ['a b', '$(touch /tmp/x)', "a'b", 'a\nb', '-oProxyCommand=id'])
			await refused(['upgrade', '--to', '7.8', '--no-backup', '--unattended', '--yes', '--', name], 'E_HOST_NAME', 2);
	});

	test('a wrong key, an unknown host key, a changed host key', async () => {
		execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(world.host.dir, 'other')]);
		await refused(change('--identity', ['--identity', join(world.host.dir, 'other')]), 'E_AUTH', 1);
		const known = join(world.host.dir, 'known_other');
		writeFileSync(known, '');
		await refused(change('--known-hosts', ['--known-hosts', known]), 'E_HOST_KEY_UNKNOWN', 1);
		const other = readFileSync(join(world.host.dir, 'other.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
		writeFileSync(known, `# one line before\n[127.0.0.1]:${world.host.ssh.port} ${other}\n`);
		expect(await refused(change('--known-hosts', ['--known-hosts', known]), 'E_HOST_KEY_CHANGED', 1)).toContain('known_other:2');
	});

	test('a mirror that is not there, one with syntax in its name, a path with a space', async () => {
		await refused(change('--mirror', ['--mirror', 'http://127.0.0.1:9']), 'E_MIRROR_UNREACHABLE', 1);
		await refused(change('--mirror', ['--mirror', 'http://x/$(id)']), 'E_MIRROR_URL', 2);
		await refused([...upgradeArgs(world, '7.8'), '--sets', '/tmp/a b'], 'E_USAGE', 2);
	});

	const plain = (change: (list: string) => string): string => change(readFileSync(join(world.mirror.dir, '7.8/amd64/SHA256'), 'utf8'));
	// One of each kind; test/fetch has all that can be wrong with a list.
	test.each<[what: string, code: string, list: () => string]>([
		['changed after it was signed', 'E_SIGNATURE', () => signedList('78', plain(String)).replace('(bsd) = ', '(bsd) = 0')],
		['signed with a key that the host does not hold', 'E_KEY_UNKNOWN', () => signedList('81', plain(String))],
		[
			'without base',
			'E_LIST_INCOMPLETE',
			() =>
				signedList(
					'78',
					plain((list) => list.replace(/^.*\(base.*\n/m, '')),
				),
		],
	])('a list %s', async (_what, code, list) => {
		const file = join(world.mirror.dir, '7.8/amd64/SHA256.sig');
		const whole = readFileSync(file);
		writeFileSync(file, list());
		try {
			await refused(upgradeArgs(world, '7.8'), code, 1);
		} finally {
			writeFileSync(file, whole);
		}
	});

	test('a skipped release, all findings at once', async () => {
		const said = await refused(change('--to', ['--to', 'snapshot']), 'E_KEY_UNKNOWN', 1);
		expect(said).toContain('openbsd-79-base.pub');
	});

	test('no target, no word on the backup, no terminal', async () => {
		await refused(change('--to', []), 'E_USAGE', 2);
		await refused(['upgrade', world.host.ssh.spec, ...world.host.flags, '--to', '7.8', '--unattended', '--yes'], 'E_USAGE', 2);
		await refused(['upgrade', world.host.ssh.spec, ...world.host.flags, '--to', '7.8', '--no-backup'], 'E_NO_TERMINAL', 2);
	});

	test('a plan edited by hand, and one made for another host', async () => {
		const file = join(world.host.dir, 'plan.json');
		const words = upgradeArgs(world, '7.8')
			.slice(1)
			.filter((word) => word !== '--yes' && word !== '--patience' && word !== '1');
		expect((await world.bsdup(['plan', ...words, '--format', 'json', '--out', file])).stderr).toBe('');
		const text = readFileSync(file, 'utf8');
		const run = ['upgrade', world.host.ssh.spec, ...world.host.flags, '--plan', file, '--unattended', '--yes'];
		writeFileSync(file, text.replace('./MAKEDEV all', './MAKEDEV none'));
		await refused(run, 'E_PLAN_EDITED', 2);
		writeFileSync(file, text);
		await world.host.inside('hostname elsewhere');
		expect(await refused(run, 'E_PLAN_OTHER_HOST', 2)).toContain('host: plan practice, host elsewhere');
		await world.host.inside('hostname practice');
		const attended = words.filter((word) => word !== '--unattended');
		expect((await world.bsdup(['plan', ...attended, '--format', 'json', '--out', file])).stderr).toBe('');
		await world.host.inside('hostname elsewhere');
		await refused(run, 'E_PLAN_OTHER_HOST', 2);
		await world.host.inside('hostname practice');
	});

	test('a host that another run holds: the holder is named, and both ways to end it', async () => {
		await world.host.inside(
			'mkdir -p /var/db/bsdup/run-other; ln -s "somebody, since noon" /var/db/bsdup/run-other/holder.1; ln -s held-by:run-other /var/db/bsdup/lock',
		);
		const told = await refused(upgradeArgs(world, '7.8'), 'E_HOST_HELD', 1);
		expect(told).toContain('run-other somebody, since noon');
		expect(told).toMatch(/^Next: {2}bsdup rollback run-other /m);
		await world.host.inside('rm /var/db/bsdup/lock');
	});

	test('a journal that is damaged, and its last line cut off is no damage', async () => {
		await world.host.inside('ln -s held-by:run-other /var/db/bsdup/lock');
		await refused(upgradeArgs(world, '7.8'), 'E_HOST_HELD', 1);
		const run =
			readdirSync(world.state)
				.filter((name) => name.startsWith('run-'))
				.sort()
				.at(-1) ?? '';
		const journal = join(world.state, run, 'journal.jsonl');
		appendFileSync(journal, '{"t":1,"kind":"st');
		await refused(['resume', run, '--yes'], 'E_HOST_HELD', 1);
		const damaged = `{"t":1,"kind":"st\n${readFileSync(journal, 'utf8')}`;
		writeFileSync(journal, damaged);
		expect(await refused(['resume', run, '--yes'], 'E_JOURNAL', 1)).toContain('journal.jsonl:1');
		expect(readFileSync(journal, 'utf8')).toBe(damaged);
		await world.host.inside('rm /var/db/bsdup/lock');
	});

	test.each<[what: string, change: (whole: Buffer) => Buffer]>([
		['longer than the listed one', (whole) => Buffer.concat([whole, Buffer.from('x')])],
		[
			'cut off, with the length of the listed one',
			(whole) => Buffer.concat([whole.subarray(0, whole.length >> 1), Buffer.alloc(whole.length - (whole.length >> 1))]),
		],
	])('a set %s', async (_what, change) => {
		const set = join(world.mirror.dir, '7.8/amd64/comp78.tgz');
		const whole = readFileSync(set);
		writeFileSync(set, change(whole));
		const result = await world.bsdup(upgradeArgs(world, '7.8'));
		writeFileSync(set, whole);
		expect(result.stderr).toContain('Code:  E_HASH_MISMATCH');
		expect(result.code).toBe(1);
		expect((await world.host.inside('ls -d /obsd /usr/rel/comp78.tgz /home/rel/comp78.tgz 2>/dev/null')).output).toBe('');
		// The backup that ran beside the fetch may still go on; until then the host is held.
		const lock = '/var/db/bsdup/$(ls -l /var/db/bsdup/lock | sed s/.*held-by://)';
		await world.host.inside(`until sh ${lock}/resume.sh release; do sleep 0.2; done`);
	});
});
