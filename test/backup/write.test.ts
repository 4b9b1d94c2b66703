import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { canBackUp, describeTree, layAwkwardTree, NEEDS, noise, PracticeBackup } from './practice.ts';

let backup: PracticeBackup;
const make = (...args: ConstructorParameters<typeof PracticeBackup>): PracticeBackup => {
	backup = new PracticeBackup(...args);
	return backup;
};
afterEach(() => backup.remove());

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
/** What of a backup lies there, without the base. */
const kept = (): string[] =>
	readdirSync(backup.volumes)
		.filter((name) => name.startsWith(backup.base))
		.map((name) => name.slice(backup.base.length + 1))
		.sort();

const FORMS = [
	['volumes of GNU tar', '/usr/bin/tar', undefined],
	['pieces that cat joins', null, undefined],
	['pieces, by choice, where GNU tar is there to compare', '/usr/bin/tar', 'split'],
] as const;

describe.skipIf(!canBackUp).each(FORMS)(`a backup in %s ${NEEDS}`, (_what, gnuTar, format) => {
	test.each([
		['openbsd', 'OpenBSD', '7.7', 'disklabel.before'],
		['freebsd', 'FreeBSD', '14.3', 'disks.before'],
	] as const)(
		'of a host of %s fits its volumes, is described by them, and restores as its own note says, whatever is in the tree',
		(kind, system, release, disks) => {
			make({ format }, gnuTar, undefined, kind);
			// base tar's format ends at 255 bytes of a path
			layAwkwardTree(backup.data);
			if (backup.split) rmSync(join(backup.data, `${'p'.repeat(60)}0`), { recursive: true });
			expect(backup.all()).toMatchObject({ status: 0 });

			const about = backup.manifest();
			expect(about).toMatchObject({
				...{ format: 1, kind: backup.split ? 'split' : 'gnu-multivolume', base: backup.base, host: 'host1.example.org' },
				...{ system, release, run: 'run-20261123220737-host1', paths: [backup.data.slice(1)], volumeKiB: 1000 },
				...{ changed: 0, small: { file: `${backup.base}.small.tgz`, sha256: sha256(backup.file('small.tgz')) } },
			});
			expect(about['made']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
			expect(about.volumes.length).toBeGreaterThan(2);
			for (const { file, bytes, sha256: sum } of about.volumes) {
				expect(statSync(join(backup.volumes, file)).size).toBe(bytes);
				expect(bytes).toBeLessThanOrEqual(1000 * 1024);
				expect(sha256(join(backup.volumes, file))).toBe(sum);
			}
			expect(about['bytes']).toBe(about.volumes.reduce((sum, { bytes }) => sum + bytes, 0));
			const names = about.volumes.map(({ file }) => file.slice(backup.base.length + 1));
			expect(names.slice(0, 2)).toEqual(backup.split ? ['aa', 'ab'] : ['1', '2']);
			expect(kept()).toEqual([...names, 'LIST', 'MANIFEST.json', 'RECOVERY.txt', 'SHA256', 'small.tgz'].sort());
			expect(spawnSync('cksum', ['-c', backup.file('SHA256')], { cwd: backup.volumes }).status).toBe(0);

			const note = readFileSync(backup.file('RECOVERY.txt'), 'utf8');
			const [line = 'false'] = /^ +\[ .*sha256 .* && echo OK$/m.exec(note) ?? [];
			// The install kernel has neither diff(1) nor cmp(1).
			expect(backup.shell(`diff() { :; }; cmp() { :; }; ${line}`)).toEqual({ status: 0, said: 'OK\n' });
			expect(backup.shell(`sha256() { :; }; ${line}`)).toMatchObject({ said: '' });
			expect(note.includes('with -C /mnt in the place of -C /.')).toBe(backup.split);
			expect(note).toContain(kind === 'openbsd' ? 'pkg_add -u -D installed' : 'pkg bootstrap -f && pkg upgrade -f');
			expect(spawnSync('tar', ['-tzf', backup.file('small.tgz')], { encoding: 'utf8' }).stdout).toContain(disks);

			expect(backup.restore()).toEqual({ status: 0, said: '' });
			expect(describeTree(join(backup.restored, backup.data))).toEqual(describeTree(backup.data));
		},
	);

	test('lists its members, and what else the host was in a small archive for base tar', () => {
		make({ format }, gnuTar);
		writeFileSync(join(backup.data, 'a'), 'a');
		expect(backup.all()).toMatchObject({ status: 0 });
		expect(readFileSync(backup.file('LIST'), 'utf8')).toContain(`${backup.data.slice(1)}/a\n`);
		const { stdout } = spawnSync('tar', ['-tzf', backup.file('small.tgz')], { encoding: 'utf8' });
		for (const name of ['etc/passwd', 'pkg_list_manual', 'packages.before', 'dmesg.before', 'disklabel.before'])
			expect(stdout).toContain(name);
	});

	test.each(gnuTar === null || format === 'split' ? [gnuTar] : [])(
		'is refused before a byte is written where its pieces would have no names',
		() => {
			make({ format, volumeKiB: 1 }, gnuTar);
			writeFileSync(join(backup.data, 'large'), noise('large', 11_000));
			expect(backup.write()).toMatchObject({ status: 1, said: expect.stringContaining('more than 676 pieces of 1 KiB') });
			expect(kept()).toEqual(['SHA256.part1']);
		},
	);

	test('is of this run alone: an older one in the same place stays', () => {
		make({ format }, gnuTar);
		mkdirSync(backup.volumes);
		writeFileSync(join(backup.volumes, 'bsdup-20200101000000-host1.1'), 'older\n');
		expect(backup.all()).toMatchObject({ status: 0 });
		expect(readFileSync(join(backup.volumes, 'bsdup-20200101000000-host1.1'), 'utf8')).toBe('older\n');
	});

	// No other tar leaves anything out.
	test.each(gnuTar === null ? [] : [gnuTar])('is measured by what is not left out', () => {
		make({ format, excludes: ['*.film'] }, gnuTar);
		writeFileSync(join(backup.data, 'a.film'), noise('film', 30_000));
		writeFileSync(join(backup.data, 'notes'), noise('notes', 3_000));
		expect(backup.all()).toMatchObject({ status: 0 });
		const bytes = Number(readFileSync(join(backup.top, 'run/backup.bytes'), 'utf8'));
		expect(bytes).toBeGreaterThanOrEqual(192_000);
		expect(bytes).toBeLessThan(200_000);
	});

	test('takes a file that grows while it is read, and one that vanishes, and tells it', async () => {
		make({ format }, gnuTar);
		writeFileSync(join(backup.data, 'large'), noise('large', 100_000));
		const live = join(backup.data, 'log');
		// It never stops, so that it grows in every phase.
		const grows = spawn('sh', ['-c', `while :; do echo x >>'${live}'; : >'${backup.data}/'$$.gone; rm -f '${backup.data}/'*.gone; done`]);
		try {
			expect(backup.all()).toMatchObject({ status: 0 });
		} finally {
			grows.kill('SIGKILL');
		}
		if (gnuTar !== null) {
			expect(readFileSync(backup.file('CHANGED'), 'utf8')).toMatch(/log: (Size|Mod time|Contents) differ/);
			expect(backup.manifest()['changed']).toBeGreaterThan(0);
			expect(readFileSync(join(backup.top, 'run/report.backup-changed'), 'utf8')).toMatch(/^changed since the backup: .*log/m);
		} else {
			expect(existsSync(backup.file('CHANGED'))).toBe(false);
			expect(readFileSync(join(backup.top, 'run/report.backup-changed'), 'utf8')).toContain('not compared with the disk');
		}
	});

	test.each([
		['is missing', (volume: string) => rmSync(volume)],
		['was cut off', (volume: string) => writeFileSync(volume, readFileSync(volume).subarray(0, 500_000))],
		['was changed', (volume: string) => writeFileSync(volume, Buffer.from(readFileSync(volume)).fill(1, 700_000, 700_010))],
	])('is not done when a volume %s', (_harm, harm) => {
		make({ format }, gnuTar);
		writeFileSync(join(backup.data, 'large'), noise('large', 50_000));
		expect(backup.write()).toMatchObject({ status: 0 });
		const step = backup.split ? 'backup-split' : 'backup';
		expect(backup.step(step, 'done').status).toBe(0);
		harm(backup.file(backup.split ? 'ab' : '2'));
		expect(backup.step(step, 'done').status).not.toBe(0);
		if (gnuTar !== null) expect(backup.step('backup-verify').status).not.toBe(0);
	});

	test('tells how far it is', () => {
		make({ format }, gnuTar);
		writeFileSync(join(backup.data, 'large'), noise('large', 50_000));
		expect(backup.write()).toMatchObject({ status: 0 });
		const [done = 0, total = 0] = backup
			.step(backup.split ? 'backup-split' : 'backup', 'measure')
			.said.split(' ')
			.map(Number);
		expect(done).toBeGreaterThan(3_200_000);
		expect(total).toBeGreaterThan(3_200_000);
	});
});

describe.skipIf(!canBackUp)(`a backup in pieces ${NEEDS}`, () => {
	test('is compared by GNU tar without taking what only base tar notes in an archive for a difference', () => {
		make({ format: 'split' }, '/usr/bin/tar', undefined, 'freebsd');
		writeFileSync(join(backup.data, 'a'), 'a');
		const flags =
			'tar() { case $1 in -cf) command tar --format=pax --pax-option=SCHILY.fflags:=nodump "$@" ;; *) command tar "$@" ;; esac; }';
		expect(backup.write(flags)).toMatchObject({ status: 0 });
		expect(backup.step('backup-verify')).toEqual({ status: 0, said: '' });
	});
});

describe.skipIf(!canBackUp)(`what is left out of a backup ${NEEDS}`, () => {
	test.each([undefined, 'split'] as const)('is what the patterns say, in any directory by name, from the root by path (%s)', (format) => {
		make({ format, excludes: ['*.core', '/tmp/bsdup-backup-*/data/cache', "it's $(id)"] });
		for (const dir of ['cache/deep', 'keep/cache']) mkdirSync(join(backup.data, dir), { recursive: true });
		for (const file of ['a.core', 'keep/b.core', "it's $(id)", 'cache/deep/x', 'keep/cache/y', 'c.core.txt'])
			writeFileSync(join(backup.data, file), 'x');
		expect(backup.all()).toMatchObject({ status: 0 });
		const list = readFileSync(backup.file('LIST'), 'utf8')
			.split('\n')
			.filter((name) => name !== '' && !name.endsWith('/'));
		expect(list.map((name) => name.slice(backup.data.length)).sort()).toEqual(['c.core.txt', 'keep/cache/y']);
		expect(backup.manifest()['excludes']).toEqual(['*.core', '/tmp/bsdup-backup-*/data/cache', "it's $(id)"]);
	});
});

describe.skipIf(!canBackUp)(`a backup in volumes of GNU tar ${NEEDS}`, () => {
	test('takes a sparse file of 5 GiB for what it holds', () => {
		make();
		truncateSync(writeAndTell(join(backup.data, 'sparse')), 5 * 2 ** 30);
		expect(backup.write()).toMatchObject({ status: 0 });
		const { stdout } = spawnSync('tar', ['-tvMf', backup.file('1')], { encoding: 'utf8' });
		expect(stdout).toMatch(/ 5368709120 .*sparse/);
		expect(existsSync(backup.file('2'))).toBe(false);
	});

	test.each([
		['which runs by itself', "chroot() { echo 'tar (GNU tar) 1.35'; }", true],
		['which needs its libraries', 'chroot() { echo not found >&2; return 127; }', false],
	])('has a copy of a GNU tar beside it %s, and else its note says that there is none', (_which, chroot, static_) => {
		make();
		writeFileSync(join(backup.data, 'a'), 'a');
		expect(backup.all(chroot)).toMatchObject({ status: 0 });
		expect(existsSync(join(backup.volumes, 'gtar'))).toBe(static_);
		const note = readFileSync(backup.file('RECOVERY.txt'), 'utf8');
		expect(note).toContain(static_ ? 'A static GNU tar lies beside it' : 'No GNU tar lies beside it');
		expect(note).toMatch(/NOTHING ELSE: base tar[\s\S]*Never unpack these volumes in the install\s+kernel bsd\.rd/);
	});

	test("whose volume was swapped or is another backup's ends at once when it is read, and does not ask for ever", () => {
		make();
		writeFileSync(join(backup.data, 'large'), noise('large', 50_000));
		expect(backup.write()).toMatchObject({ status: 0 });
		renameSync(backup.file('2'), backup.file('x'));
		renameSync(backup.file('3'), backup.file('2'));
		renameSync(backup.file('x'), backup.file('3'));
		const argv = ['-tM', '-F', `sh ${backup.top}/run/volume.sh`, '-f', backup.file('1')];
		expect(spawnSync('tar', argv, { encoding: 'utf8', timeout: 20_000 })).toMatchObject({
			status: 2,
			stderr: expect.stringContaining('is not the volume that belongs here'),
		});
	});
});

/** A file with a few bytes; gives its path. */
function writeAndTell(path: string): string {
	writeFileSync(path, 'head');
	return path;
}
