import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { signedList } from '../lab/keys.ts';
import { PracticeHost } from '../lab/practice-host.ts';
import { makeWorld, type Outcome, type World } from '../lab/world.ts';
import { BACKUP } from './proof.ts';

const DEAD = 'http://127.0.0.1:9';

describe.skipIf(LAB === null)('several mirrors (needs a practice host)', () => {
	let world: World;
	let second: PracticeHost | undefined;
	beforeAll(async () => {
		world = await makeWorld('7.7', '7.8');
	});
	afterAll(async () => {
		await second?.destroy();
		await world.destroy();
	});

	/** Upgrades as far as the sets are verified; the rest is no matter here. */
	async function fetchFor(host: PracticeHost, ...more: string[]): Promise<Outcome> {
		const args = ['upgrade', host.ssh.spec, ...host.flags, '--to', '7.8', ...BACKUP, '--unattended', '--yes', '--patience', '1', ...more];
		let stopped = false;
		return world.bsdup(args, (text, kill) => {
			if (stopped || !text.includes('running  space\n')) return;
			stopped = true;
			kill('SIGINT');
		});
	}
	const got = (): string[] => world.mirror.requests.filter((line) => /^GET .*(\.tgz|\/bsd\S*)$/.test(line));

	test('the host fetches by the same lines where it is asked to, from the mirror that has what is listed', async () => {
		const stale = join(world.mirror.dir, 'stale/7.8/amd64');
		mkdirSync(stale, { recursive: true });
		for (const name of readdirSync(join(world.mirror.dir, '7.8/amd64'))) writeFileSync(join(stale, name), 'of another build\n');
		const mirrors = ['--mirror', DEAD, '--mirror', `${world.mirror.url}/stale`, '--mirror', world.mirror.url];
		const { stdout, stderr } = await fetchFor(world.host, '--fetch-on', 'host', ...mirrors);
		expect(stderr).toContain('/stale is passed over');
		expect(stdout).toContain('done     fetch\n');
		expect(stdout).toContain('done     verify\n');
		expect(existsSync(join(world.state, '../cache/sha256'))).toBe(false);
		const url = `${world.mirror.url}/7.8/amd64/base78.tgz`;
		expect(world.host.processLog().some((line) => line.endsWith(`/usr/bin/ftp -o base78.tgz.part ${url}`))).toBe(true);
		expect((await world.host.inside('ls /usr/rel /home/rel 2>/dev/null')).output).not.toContain('.part');
		const lock = '/var/db/bsdup/$(ls -l /var/db/bsdup/lock | sed s/.*held-by://)';
		await world.host.inside(`until sh ${lock}/resume.sh release; do sleep 0.2; done; rm -rf /usr/rel /home/rel`);
	});

	test('are ranked for a host, with its keys', async () => {
		const words = [world.mirror.url, DEAD, '--host', world.host.ssh.spec, ...world.host.flags, '--to', '7.8', '--json'];
		const { code, stdout } = await world.bsdup(['mirrors', ...words]);
		const { arch, mirrors } = JSON.parse(stdout) as { arch: string; mirrors: unknown[] };
		expect([code, arch]).toEqual([0, 'amd64']);
		expect(mirrors).toMatchObject([
			{ mirror: world.mirror.url, state: 'good', says: [], unproven: false, version: '7.8' },
			{ mirror: DEAD, state: 'down' },
		]);
	});

	test('a password is sent to no host and stands in no plan', async () => {
		const closed = world.mirror.url.replace('//', '//me:secret@');
		const words = [world.host.ssh.spec, ...world.host.flags, '--to', '7.8', ...BACKUP, '--unattended', '--mirror', closed];
		const refused = await world.bsdup(['plan', ...words, '--fetch-on', 'host']);
		expect(refused.code).toBe(2);
		expect(refused.stderr).toContain('--fetch-on controller');
		const plan = await world.bsdup(['plan', ...words, '--json']);
		expect(plan.code).toBe(0);
		for (const { stdout, stderr } of [refused, plan]) expect(stdout + stderr).not.toContain('secret');
	});

	test('a build that moved after the plan was made ends the run with nothing changed, and the host is free for the next', async () => {
		const { spec } = world.host.ssh;
		const file = join(world.host.dir, 'plan.json');
		const words = [spec, ...world.host.flags, '--to', '7.8', '--no-backup', '--unattended'];
		expect((await world.bsdup(['plan', ...words, '--format', 'json', '--out', file])).code).toBe(0);
		const at = (name: string): string => join(world.mirror.dir, '7.8/amd64', name);
		const before = ['man78.tgz', 'SHA256.sig'].map((name): [string, Buffer] => [name, readFileSync(at(name))]);
		const list = readFileSync(at('SHA256'), 'utf8');
		const hash = createHash('sha256').update('the next').digest('hex');
		writeFileSync(at('man78.tgz'), 'the next');
		writeFileSync(at('SHA256.sig'), signedList('78', list.replace(/^(SHA256 \(man78.tgz\) = ).*$/m, `$1${hash}`)));
		const moved = await world.bsdup(['upgrade', spec, ...world.host.flags, '--plan', file, '--unattended', '--yes']);
		for (const [name, bytes] of before) writeFileSync(at(name), bytes);
		expect(moved.stderr).toContain('Code:  E_SNAPSHOT_MOVED');
		expect(moved.code).toBe(1);
		expect((await world.host.inside('ls /var/db/bsdup/lock /obsd')).output).not.toMatch(/^\/(var|obsd)/m);
	});

	test('a second host costs no download, though the first of two mirrors is down', async () => {
		const first = await fetchFor(world.host, '--mirror', DEAD, '--mirror', world.mirror.url);
		expect(first.stderr).toContain(`warning: ${DEAD} is passed over: cannot reach`);
		expect(first.stdout).toContain('done     verify\n');
		expect(got().length).toBeGreaterThan(0);
		second = await PracticeHost.create({ release: '7.7', mirror: world.mirror.url, name: 'second' });
		await second.powerOn();
		world.mirror.requests.length = 0;
		expect((await fetchFor(second, '--mirror', world.mirror.url)).stdout).toContain('done     verify\n');
		expect(got()).toEqual([]);
		const list = await world.bsdup(['cache', 'list', '--json']);
		const { entries } = JSON.parse(list.stdout) as { entries: { name: string; from: string }[] };
		expect(entries.map(({ name }) => name)).toContain('base78.tgz');
		expect((await world.bsdup(['cache', 'prune', '--all'])).stdout).toMatch(/^removed \d+ files, .+; 0 B kept$/m);
	});
});
