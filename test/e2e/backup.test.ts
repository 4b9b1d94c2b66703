import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
	closeSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { BSDUP } from '../lab/root.ts';
import { makeWorld, type Outcome, type World } from '../lab/world.ts';

describe.skipIf(LAB === null)('bsdup backup of a host over SSH (needs a practice host)', () => {
	let world: World;
	let here: string;
	beforeAll(async () => {
		world = await makeWorld('7.7', '7.8');
		here = mkdtempSync(join(tmpdir(), 'bsdup-here-'));
		await world.host.inside(
			'head -c 3000000 /dev/urandom >/home/admin/large; ln /home/admin/large /home/admin/hard; echo odd >"/home/admin/it\'s odd"',
		);
	}, 60_000);
	afterAll(async () => {
		await world?.destroy();
		rmSync(here, { recursive: true, force: true });
	});

	const backup = (...args: string[]): Promise<Outcome> =>
		world.bsdup([
			'backup',
			world.host.ssh.spec,
			...world.host.flags,
			'--backup',
			'/home',
			'--backup',
			'/etc',
			'--volume-size',
			'1000K',
			...args,
		]);
	const inside = async (line: string): Promise<string> => (await world.host.inside(line)).output;

	test('to a directory of its own leaves volumes that the note beside them restores', async () => {
		const result = await backup('--backup-to', '/backup');
		expect(result.stdout).toContain('would lie on the root file system');
		expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/the backup is \/backup\/bsdup-\d+-practice, 3 volumes/) });
		const about = JSON.parse(await inside('cat /backup/*.MANIFEST.json')) as { host: string; volumes: { file: string }[]; changed: number };
		expect(about).toMatchObject({ host: 'practice', paths: ['home', 'etc'], changed: 0 });
		expect(await inside('cd /backup && cksum -c *.SHA256 | grep -vc OK; ls')).toMatch(/^0\n/);
		const [line = ''] = /gtar -xpM.*/.exec(await inside('cat /backup/*.RECOVERY.txt')) ?? [];
		await inside(`cd /backup && mkdir /tmp/back && ${line.replace('-C / ', '-C /tmp/back ')}`);
		expect(await inside('cd / && diff -r home /tmp/back/home && diff -r etc /tmp/back/etc && echo same')).toBe('same\n');
		expect(await inside('tar -tzf /backup/*.small.tgz | grep -c -e etc/fstab -e disklabel.before')).toBe('2\n');
		expect((await world.bsdup(['status'])).stdout).toMatch(/^done {5}backup-finish/m);
	});

	test('to this machine is pieces that cat joins, for this login alone', async () => {
		const dir = join(here, 'db1');
		const result = await backup('--backup-here', dir, '--json');
		expect(result).toMatchObject({ code: 0, stderr: '' });
		const progress = result.stdout.split('\n').filter((text) => text.includes('"progress"') && text.includes('backup-here'));
		expect(JSON.parse(progress.at(-1) ?? '')).toMatchObject({
			done: expect.any(Number),
			total: expect.any(Number),
			rate: expect.any(Number),
		});
		expect(statSync(dir).mode & 0o777).toBe(0o700);
		const files = readdirSync(dir);
		for (const file of files) expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
		expect(files.map((file) => file.replace(/^bsdup-\d+-practice\./, '')).sort()).toEqual(
			['LIST', 'MANIFEST.json', 'RECOVERY.txt', 'SHA256', 'aa', 'ab', 'ac', 'small.tgz'].sort(),
		);
		const about = JSON.parse(readFileSync(join(dir, files.find((file) => file.endsWith('.json')) ?? ''), 'utf8')) as { kind: string };
		expect(about).toMatchObject({ kind: 'split', host: 'practice', volumeKiB: 1000 });
		expect(spawnSync('sh', ['-c', 'cksum -c *.SHA256 && mkdir ../back && cat *.?? | tar -C ../back -xpf -'], { cwd: dir }).status).toBe(0);
		expect(readFileSync(join(here, "back/home/admin/it's odd"), 'utf8')).toBe('odd\n');
	});

	test('to this machine goes on after kill -9 of bsdup', async () => {
		const dir = join(here, 'cut');
		const args = ['backup', world.host.ssh.spec, ...world.host.flags, '--backup', '/home', '--volume-size', '100K', '--backup-here', dir];
		const cut = await world.bsdup(args, (text, kill) => text.includes('running  backup-here') && kill('SIGKILL'));
		expect(cut.signal).toBe('SIGKILL');
		expect(await world.bsdup(['resume'])).toMatchObject({ code: 0, stderr: '' });
		expect(spawnSync('sh', ['-c', 'cksum -c *.SHA256 && cat *.?? | tar -tf -'], { cwd: dir, encoding: 'utf8' }).stdout).toContain(
			'home/admin/large',
		);
	});

	test.skipIf(!existsSync('/dev/full'))('comes to its end where the disk of its log is full (needs /dev/full)', async () => {
		const full = openSync('/dev/full', 'w');
		const args = [...BSDUP, 'backup', world.host.ssh.spec, ...world.host.flags, '--backup', '/etc', '--backup-to', '/backup-full'];
		const child = spawn(process.execPath, args, { stdio: ['ignore', full, full], env: { ...process.env, ...world.env } });
		closeSync(full);
		expect(await once(child, 'close')).toEqual([0, null]);
		expect(await inside('ls /backup-full')).toContain('.MANIFEST.json');
	});

	test('that is done is not done again by a resume, though its record on the host was cleaned up', async () => {
		expect(await backup('--backup-to', '/backup')).toMatchObject({ code: 0, stderr: '' });
		await inside('rm -rf /var/db/bsdup/run-*');
		const again = await world.bsdup(['resume', world.host.ssh.spec, '--yes']);
		expect([again.code, again.stderr]).toEqual([0, '']);
		expect(again.stdout).toMatch(/\nNothing is left to do\.\n$/);
		expect(await inside('ls -d /var/db/bsdup/run-* 2>/dev/null || true')).toBe('');
	});

	test('shows the same strings in a dry run and in a script, and does nothing then', async () => {
		const before = await inside('ls /backup /var/db/bsdup');
		const shown = (await backup('--backup-to', '/backup', '--dry-run')).stdout;
		const script = (await backup('--backup-to', '/backup', '--format', 'sh')).stdout;
		const run = (text: string): string => text.replace(/(run|bsdup)-\d{14}-/g, '$1-');
		const lines = run(shown)
			.split('\n')
			.filter((text) => text.startsWith('     '))
			.map((text) => text.slice(5));
		expect(lines.length).toBeGreaterThan(100);
		for (const text of lines) expect(run(script)).toContain(`${text}\n`);
		expect(await inside('ls /backup /var/db/bsdup')).toBe(before);
		const refused = await backup('--backup-here', here, '--format', 'sh');
		expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('E_SCRIPT_ALONE') });
	});

	test('by its script alone, at the console, is the same', async () => {
		writeFileSync(join(world.host.dir, 'lab/backup.sh'), (await backup('--backup-to', '/home2', '--format', 'sh')).stdout);
		expect(await inside('sh /lab/backup.sh && ls /home2')).toMatch(/MANIFEST\.json/);
	});

	test('is refused with everything that speaks against it, all at once', async () => {
		const result = await backup('--backup-to', '/no/such/place', '--backup', '/nowhere');
		expect(result.code).toBe(1);
		expect(result.stdout).toMatch(/what is to be backed up is not there: \/nowhere/);
		expect(result.stdout).toMatch(/the backup cannot be written to its directory: \/no\/such/);
		expect(await inside('ls -d /no')).not.toMatch(/^\/no$/m);
	});

	describe('to a FAT disk of the host', () => {
		const disk = (): string => join(world.host.dir, 'lab/disks/sd1i');
		const mounted = (): Promise<string> => inside('mount');

		test('mounts the partition that disklabel tells, and takes it off again', async () => {
			mkdirSync(disk(), { recursive: true });
			await world.host.inside('echo x >/home/admin/prog.core');
			const result = await backup('--backup-device', 'sd1', '--exclude', '*.core');
			expect(result).toMatchObject({ code: 0, stderr: '' });
			expect(result.stdout).toMatch(/the backup is \/mnt\/bsdup-.*\nsd1 is taken off \/mnt again: mount it to see the backup\n/);
			expect(await inside('cat /lab/disks/sd1i/*.LIST')).not.toContain('prog.core');
			expect(statSync(disk()).mode & 0o777).toBe(0o700);
			expect(readdirSync(disk()).some((file) => file.endsWith('.MANIFEST.json'))).toBe(true);
			expect(await mounted()).toBe('/dev/sd0a on / type ffs (local)\n');
			expect(await inside('ls /mnt')).toBe('');
		});

		test('takes it off again where its directory is named by a link, with a slash at its end', async () => {
			mkdirSync(disk(), { recursive: true });
			await inside('mkdir -p /usr/disk && ln -s usr /system');
			const result = await backup('--backup-device', 'sd1', '--backup-to', '/system/disk/');
			expect(result).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('sd1 is taken off /system/disk again') });
			expect(await mounted()).toBe('/dev/sd0a on / type ffs (local)\n');
			expect(await inside('ls /usr/disk')).toBe('');
		});

		test('takes it off after a failure too, which says what was wrong, and keeps nobody off the host', async () => {
			const result = await backup('--backup-device', 'sd1i', '--backup', '/home/vanishes');
			expect(result).toMatchObject({ code: 1, stdout: expect.stringContaining('what is to be backed up is not there: /home/vanishes') });
			// It fails when the disk is mounted already.
			await inside(
				'mv /usr/local/bin/gtar /usr/local/bin/gtar.kept; printf "#!/bin/sh\\nmount; exit 2\\n" >/usr/local/bin/gtar; chmod 755 /usr/local/bin/gtar',
			);
			const failed = await backup('--backup-device', 'sd1');
			await inside('mv /usr/local/bin/gtar.kept /usr/local/bin/gtar');
			expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining('/dev/sd1i on /mnt type msdos') });
			expect(await mounted()).toBe('/dev/sd0a on / type ffs (local)\n');
			expect((await backup('--backup-device', 'sd1')).code).toBe(0);
		});

		test('is refused for a disk that is not there, and for what is no disk', async () => {
			expect((await backup('--backup-device', 'sd7')).stdout).toMatch(/not exactly one FAT partition \(type MSDOS\): 0 on sd7/);
			expect((await backup('--backup-device', '$(reboot)')).stderr).toContain('E_USAGE');
		});
	});
});
