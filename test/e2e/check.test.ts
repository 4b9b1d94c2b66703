import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { publish } from '../lab/mirror.ts';
import { makeWorld, type Outcome, type World } from '../lab/world.ts';
import { BACKUP } from './proof.ts';

/** What a host has against it, and the findings it is told by, in order. */
const FAULTS: [string, string][] = [
	['custom-kernel', 'sed -i "s/GENERIC.MP/MINE/" /lab/run/version'],
	['encrypted-root', 'echo "echo \'sd0 Online 1 CRYPTO\'" >/lab/stand-ins/bioctl'],
	['clock', 'echo \'case $1 in +%s) echo 1700000000 ;; *) exec /lab/real/bin/date "$@" ;; esac\' >/lab/stand-ins/date'],
	['securelevel', 'sed -i "s/value=1 /value=2 /" /lab/stand-ins/sysctl'],
	['read-only', 'echo "echo \'/dev/sd0a on / type ffs (local, read-only, softdep)\'" >/lab/stand-ins/mount'],
	['softdep', ':'],
	['relink-link', 'mkdir -p /home/relink /usr/share; rm -rf /usr/share/relink; ln -s /home/relink /usr/share/relink'],
	['pkg-scripts', "echo 'pkg_scripts=cupsd' >>/etc/rc.conf.local"],
	['login-shells', "sed -i '/^admin/s,/bin/ksh,/usr/local/bin/bash,' /etc/passwd"],
	['databases', 'mkdir -p /var/postgresql/data/base'],
	['backup-paths', ':'],
	['backup-target', ':'],
	['backup-on-root', ':'],
];

describe.skipIf(LAB === null)('bsdup check (needs a practice host)', () => {
	let world: World;
	beforeEach(async () => {
		world = await makeWorld('7.7', '7.8');
		publish(world.mirror.dir, '7.9-beta');
	});
	afterEach(() => world.destroy());

	/** Everything on the disk but the log of the stand-ins, in one line. */
	const onDisk = async (): Promise<string> =>
		(await world.host.inside('find /bsd* /etc /usr /var /root /home /backup /sbin /bin -xdev -exec ls -ldn {} + | cksum')).output;

	const words = (to: string, mirror = world.mirror.url, backup: readonly string[] = BACKUP): string[] => [
		...[world.host.ssh.spec, ...world.host.flags, '--method', 'in-place', '--to', to, '--mirror', mirror],
		...backup,
		'--unattended',
	];
	const check = (...args: Parameters<typeof words>): Promise<Outcome> => world.bsdup(['check', ...words(...args)]);
	const ids = (outcome: Outcome): string[] => (JSON.parse(outcome.stdout) as { findings: { id: string }[] }).findings.map(({ id }) => id);

	test('lists all faults of a host at once, each with what to do, and changes nothing', async () => {
		for (const [, make] of FAULTS) expect(await world.host.inside(make)).toMatchObject({ code: 0 });
		const before = await onDisk();
		const backup = ['--backup-to', '/mnt/disk/host', '--backup', '/etc', '--backup', '/srv/none'];
		const found = await check('7.8', undefined, backup);
		for (const [id] of FAULTS) expect(found.stdout).toMatch(new RegExp(`^(warning: )?${id}: .+\\n {2}.+$`, 'm'));
		expect(found.stdout).toContain('is not there: /srv/none\n');
		expect(found.stdout).toContain('10 to mend first');
		expect(found).toMatchObject({ code: 1, stderr: '' });
		const json = await world.bsdup(['check', ...words('7.8', undefined, backup), '--json']);
		expect(ids(json)).toEqual(FAULTS.map(([id]) => id));
		expect(json).toMatchObject({ code: 1, stderr: '' });
		expect(json.stdout).toContain('"severity": "warn"');
		expect(await onDisk()).toBe(before);
		expect((await world.host.inside('ls /var/db/bsdup')).code).not.toBe(0);
	});

	test('tells a mirror that is down beside what is wrong with the host and the version', async () => {
		await world.host.inside('mkdir -p /var/mysql/mysql');
		const json = await world.bsdup(['check', ...words('7.6', 'http://127.0.0.1:9'), '--json']);
		expect(ids(json)).toEqual(['E_MIRROR_UNREACHABLE', 'downgrade', 'databases', 'backup-on-root']);
		expect(json).toMatchObject({ code: 1, stderr: '' });
		const upgrade = await world.bsdup(['upgrade', ...words('7.6', 'http://127.0.0.1:9'), '--yes']);
		expect(upgrade).toMatchObject({ code: 1 });
		for (const said of ['Code:  E_REFUSED', 'cannot reach', 'choose a newer target', 'a database is here', 'pg_dumpall'])
			expect(upgrade.stderr).toContain(said);
		expect(upgrade.stderr).not.toContain('root file system');
	});

	test.each([
		['snapshot', 'E_KEY_UNKNOWN', 'openbsd-79-base.pub'],
		['7.6', 'E_NOT_FOUND', 'check --to and --mirror'],
	])('tells that %s cannot be had beside what is wrong with the host', async (to, code, said) => {
		await world.host.inside('mkdir -p /var/mysql/mysql');
		const found = await check(to);
		expect(found.stdout).toContain(`${code}: `);
		expect(found.stdout).toContain(said);
		expect(found.stdout).toContain('databases: ');
		expect(found).toMatchObject({ code: 1, stderr: '' });
	});

	test('has nothing against a sound host; a warning is shown and is no failure', async () => {
		const found = await check('7.8');
		expect(found.stdout).toMatch(/^warning: backup-on-root: .+\n {2}.+\nnothing speaks against going to 7\.8\n$/);
		expect(found).toMatchObject({ code: 0, stderr: '' });
	});

	test('says that nothing is to be done where the very build is installed, and so does an upgrade, until it is asked for --again', async () => {
		const list = readFileSync(join(world.mirror.dir, '7.8/amd64/SHA256'), 'utf8');
		await world.host.inside(`cat >/var/db/installed.SHA256 <<'END'\n${list}END`);
		const looked = await world.bsdup(['check', ...words('7.8')]);
		expect([looked.code, looked.stdout]).toEqual([0, expect.stringMatching(/^same-build: [\s\S]*\nnothing is to be done\n$/)]);
		const before = await onDisk();
		const upgrade = ['upgrade', ...words('7.8'), '--yes'];
		const { code, stderr } = await world.bsdup(upgrade);
		expect([code, stderr]).toEqual([0, expect.stringMatching(/installed already\nCode: {2}E_SAME_BUILD[\s\S]*--again/)]);
		expect(await onDisk()).toBe(before);
		const anew = await world.bsdup([...upgrade, '--again', '--dry-run']);
		expect([anew.code, anew.stderr]).toEqual([0, expect.stringContaining('warning: this very build')]);
	}, 120_000);

	test('lets an upgrade stop at its first step when a fault came after the plan', async () => {
		const file = join(world.host.dir, 'plan.json');
		expect((await world.bsdup(['plan', ...words('7.8'), '--format', 'json', '--out', file])).stderr).toBe('');
		await world.host.inside('mkdir -p /var/mysql/mysql');
		const run = ['upgrade', world.host.ssh.spec, ...world.host.flags, '--plan', file, '--unattended', '--yes'];
		const outcome = await world.bsdup(run);
		expect(outcome.code).toBe(1);
		expect(outcome.stdout + outcome.stderr).toContain('finding: databases: ');
		expect(outcome.stdout + outcome.stderr).toContain('warning: backup-on-root: ');
		expect((await world.host.inside('ls -d /usr/rel /home/rel /obsd')).output).not.toMatch(/^\/(usr|home|obsd)/m);
	});
});
