import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld, type Outcome, type World } from '../lab/world.ts';
import { environmentArgs, environmentDifferences } from './be-proof.ts';

describe.skipIf(LAB === null)('a backup of a FreeBSD host on ZFS (needs a practice host)', () => {
	let world: World;
	let here: string;
	beforeAll(async () => {
		world = await makeWorld('14.3-RELEASE', '15.0-RELEASE');
		here = mkdtempSync(join(tmpdir(), 'bsdup-here-'));
		await world.host.inside(
			'cd /home/admin; head -c 3000000 /dev/urandom >large; ln large hard; ln -s large soft; echo odd >"it\'s odd"; chmod 4711 hard',
		);
	}, 60_000);
	afterAll(async () => {
		await world?.destroy();
		rmSync(here, { recursive: true, force: true, maxRetries: 20 });
	});

	const backup = (...args: string[]): Promise<Outcome> => {
		const what = ['--backup', '/home/admin', '--backup', '/etc', '--volume-size', '1000K'];
		return world.bsdup(['backup', world.host.ssh.spec, ...world.host.flags, ...what, ...args]);
	};
	const restore = (dir: string, to: string): Promise<Outcome> =>
		world.bsdup(['restore', dir, '--host', world.host.ssh.spec, ...world.host.flags, '--to', to]);
	const inside = async (line: string): Promise<string> => (await world.host.inside(line)).output;
	const same = (to: string): string =>
		`cd / && diff -r home/admin ${to}/home/admin && diff -r etc ${to}/etc && ls -ln ${to}/home/admin/hard && echo same`;

	test('is volumes of GNU tar, proven against the disk, which bsdup and the note beside them restore', async () => {
		const result = await backup('--backup-to', '/home/backup');
		expect(result.stdout).toContain('would lie on the root file system');
		expect(result).toMatchObject({
			code: 0,
			stderr: '',
			stdout: expect.stringMatching(/the backup is \/home\/backup\/bsdup-\d+-practice, 3 volumes/),
		});
		const about = JSON.parse(await inside('cat /home/backup/*.MANIFEST.json'));
		expect(about).toMatchObject({ kind: 'gnu-multivolume', system: 'FreeBSD', release: '14.3', paths: ['home/admin', 'etc'], changed: 0 });
		const note = await inside('cat /home/backup/*.RECOVERY.txt');
		expect(note).toMatch(/pkg install gtar/);
		expect(note).not.toMatch(/pkg_add|bsd\.rd/);
		const [check = 'false'] = /^ +\[ .*sha256 .* && echo OK$/m.exec(note) ?? [];
		expect(await inside(`cd /home/backup && ${check}`)).toBe('OK\n');
		const [line = 'false'] = /gtar -xpM.*/.exec(note) ?? [];
		await inside(`cd /home/backup && mkdir /tmp/back && ${line.replace('-C / ', '-C /tmp/back ')}`);
		expect(await inside(same('/tmp/back'))).toMatch(/^-rws--x--x.*\nsame\n$/);
		expect(
			await inside('tar -tzf /home/backup/*.small.tgz | grep -c -e etc/fstab -e boot/loader.conf -e disks.before -e packages.before'),
		).toBe('4\n');
		expect(await restore('/home/backup', '/tmp/again')).toMatchObject({ code: 0, stderr: '' });
		expect(await inside(same('/tmp/again'))).toMatch(/same\n$/);
	});

	test('is pieces for base tar where GNU tar is not installed, and these are restored by it', async () => {
		await inside('mv /usr/local/bin/gtar /root/gtar');
		try {
			const refused = (await backup('--backup-to', '/home/split', '--backup-format', 'gnu', '--exclude', '*.core')).stdout;
			expect(refused).toMatch(/there is no GNU tar here[\s\S]*it takes GNU tar to leave anything out/);
			expect(await backup('--backup-to', '/home/split')).toMatchObject({ code: 0, stderr: '' });
			const note = await inside('cat /home/split/*.RECOVERY.txt');
			expect(note).toMatch(/zpool import -f -N -R \/mnt zroot; zfs mount zroot\/ROOT\/default; zfs mount -a/);
			expect(note).toMatch(/^Names that are not ASCII .*: export LC_ALL=C\.UTF-8$/m);
			const [line = 'false'] = /cat .* \| tar -C .*/.exec(note) ?? [];
			await inside(`cd /home/split && mkdir /tmp/pieces && ${line.replace('-C / ', '-C /tmp/pieces ')}`);
			expect(await inside(same('/tmp/pieces'))).toMatch(/same\n$/);
			expect(await restore('/home/split', '/tmp/pieces2')).toMatchObject({ code: 0, stderr: '' });
			expect(await inside(same('/tmp/pieces2'))).toMatch(/same\n$/);
		} finally {
			await inside('mv /root/gtar /usr/local/bin/gtar');
		}
	});

	test('to this machine is pieces that cat joins', async () => {
		const dir = join(here, 'db1');
		expect(await backup('--backup-here', dir)).toMatchObject({ code: 0, stderr: '' });
		expect(readdirSync(dir).filter((file) => /\.[a-z]{2}$/.test(file))).toHaveLength(3);
		expect(spawnSync('sh', ['-c', 'cksum -c *.SHA256 && mkdir ../back && cat *.?? | tar -C ../back -xpf -'], { cwd: dir }).status).toBe(0);
		expect(readFileSync(join(here, "back/home/admin/it's odd"), 'utf8')).toBe('odd\n');
	});

	test('to a FAT disk mounts the partition that gpart tells, and takes it off again', async () => {
		mkdirSync(join(world.host.dir, 'lab/disks/da0s1'), { recursive: true });
		const before = await inside('mount');
		expect(await backup('--backup-device', 'da0', '--exclude', 'large')).toMatchObject({ code: 0, stderr: '' });
		const files = readdirSync(join(world.host.dir, 'lab/disks/da0s1'));
		expect(files.some((file) => file.endsWith('.MANIFEST.json'))).toBe(true);
		expect(await inside('cat /lab/disks/da0s1/*.LIST')).not.toMatch(/large$/m);
		expect(await inside('/lab/real/bin/stat -c %a /lab/disks/da0s1')).toBe('700\n');
		expect(await inside('mount')).toBe(before);
	});

	test('is part of an upgrade, and restores what the host was from the new system', async () => {
		const to = ['--backup', '/etc', '--backup-to', '/home/before'];
		const result = await world.bsdup([...environmentArgs(world).filter((word) => word !== '--no-backup'), ...to]);
		expect(result.code).toBe(0);
		expect(result.stdout).toMatch(/the backup is \/home\/before\/bsdup-\d+-practice, 1 volumes/);
		expect(await restore('/home/before', '/tmp/old')).toMatchObject({ code: 0, stderr: '' });
		expect(await inside('head -n 1 /tmp/old/etc/services /etc/services')).toMatch(/services of 1403[\s\S]*services of 1500/);
		expect(await environmentDifferences(world)).toEqual([]);
	});
});
