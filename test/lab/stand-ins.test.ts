import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { LAB } from './ability.ts';
import { installSystem } from './install.ts';
import { makeSet } from './mirror.ts';
import { unshareFlags } from './namespaces.ts';
import { RELEASES, type ReleaseName } from './releases.ts';
import { ROOT } from './root.ts';
import { setsOf } from './tree.ts';
import { writeFiles } from './write-tree.ts';

/** A practice system that is not booted: only its tree, the gate and what is mounted for its programs. */
let dir = '';

function install(name: ReleaseName, kernel: ReleaseName = name): void {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-stand-ins-'));
	installSystem(dir, name, { authorizedKey: '', name: 'practice', mirror: 'http://127.0.0.1:1' });
	for (const sub of ['lab/real', 'lab/run', 'lab/log', 'lab/ctl', 'work']) mkdirSync(join(dir, sub), { recursive: true });
	copyFileSync(join(ROOT, 'test/lab/gate.sh'), join(dir, 'lab/gate'));
	chmodSync(join(dir, 'lab/gate'), 0o755);
	cpSync(join(ROOT, 'test/lab/stand-ins'), join(dir, 'lab/stand-ins'), { recursive: true, verbatimSymlinks: true });
	write('lab/run/level', `${RELEASES[kernel].level}\n`);
	write('lab/run/version', `${RELEASES[kernel].version}\n`);
	write('lab/run/boottime', '1795473322\n');
	for (const device of ['null', 'urandom']) write(`dev/${device}`, '');
}

const write = (path: string, text: string): void => writeFileSync(join(dir, path), text);
const read = (path: string): string => readFileSync(join(dir, path), 'utf8');

/** Runs a script in the tree by its own sh, in /work. */
function inside(script: string): { status: number | null; stdout: string; stderr: string } {
	const mounts =
		'for d in null urandom; do mount --bind /dev/$d "$1/dev/$d" || exit 99; done; ' +
		'mount --rbind /usr "$1/lab/real" && mount --bind "$(realpath /lib)" "$1/lib" && mount --bind "$(realpath /lib64)" "$1/lib64" || exit 99; ' +
		'exec env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin chroot "$1" /bin/sh -c "cd /work; $2"';
	const { status, stdout, stderr } = spawnSync('unshare', [...unshareFlags(LAB ?? 'root'), 'sh', '-c', mounts, 'sh', dir, script], {
		encoding: 'utf8',
	});
	return { status, stdout, stderr };
}

afterEach(() => dir !== '' && rmSync(dir, { recursive: true, force: true }));

describe.skipIf(LAB === null)('stand-ins in a practice tree (needs a practice host)', () => {
	test('cksum -C passes a listed file and fails an altered, a missing and an unlisted one', () => {
		install('7.8');
		const check = 'cksum -C list';
		inside('echo one >one; echo two >two; cksum -a sha256 one two >list; echo new >new');
		expect(inside(`${check} one two`)).toMatchObject({ status: 0, stdout: '(SHA256) one: OK\n(SHA256) two: OK\n' });
		expect(inside('cksum -qC list one two')).toMatchObject({ status: 0, stdout: '' });
		expect(inside(`${check} one new`).status).toBe(1);
		inside('echo more >>two; rm one');
		expect(inside(`${check} two`)).toMatchObject({ status: 1, stdout: '(SHA256) two: FAILED\n' });
		expect(inside(`${check} one`).status).toBe(1);
		expect(inside('cksum -c list').status).toBe(1);
	});

	test('a list made by cksum -a sha256 is in the format of the mirrors', () => {
		install('4.9');
		expect(inside('printf abc >abc; cksum -a sha256 abc').stdout).toBe(
			'SHA256 (abc) = ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n',
		);
	});

	test('cksum without an algorithm prints the cyclic sum, the size and the name', () => {
		install('7.8');
		expect(inside('printf abc >abc; cksum abc').stdout).toBe('1219131554 3 abc\n');
	});

	test('sha256 -h writes a list that -C accepts until the kernel changes', () => {
		install('7.8');
		expect(inside('echo x >>/bsd; sha256 -C /var/db/kernel.SHA256 /bsd').status).toBe(1);
		expect(inside('sha256 -h /var/db/kernel.SHA256 /bsd')).toMatchObject({ status: 0, stdout: '' });
		expect(inside('sha256 -C /var/db/kernel.SHA256 /bsd').status).toBe(0);
	});

	test('sysmerge installs what is new, updates what is untouched, leaves what was changed here, and exits 1 with nothing wrong', () => {
		install('7.7');
		const next = [...(setsOf(RELEASES['7.8'])['etc'] ?? []), { path: 'etc/new.conf', text: 'new\n', mode: 0o644 }];
		writeFileSync(join(dir, 'var/sysmerge/etc.tgz'), makeSet(next));
		const { status, stdout } = inside('sysmerge -b');
		expect(status).toBe(1);
		expect(stdout.trimEnd().split('\n').sort()).toEqual([
			'---- /etc/ssh/sshd_config unhandled, re-run sysmerge to merge the new version',
			'===> Installing /etc/new.conf',
			'===> Updating /etc/services',
		]);
		expect(read('etc/services')).toContain('services of 7800');
		expect(read('etc/ssh/sshd_config')).toContain('# changed on this host');
		expect(inside('sysmerge -b')).toMatchObject({
			status: 1,
			stdout: '---- /etc/ssh/sshd_config unhandled, re-run sysmerge to merge the new version\n',
		});
	});

	test('the old sysmerge wants its sets named', () => {
		install('4.9');
		expect(inside('sysmerge')).toMatchObject({ status: 1, stdout: expect.stringContaining('usage') });
		const sets = setsOf(RELEASES['4.9-newer']);
		writeFileSync(join(dir, 'work/etc49.tgz'), makeSet(sets['etc'] ?? []));
		const merge = 'sysmerge -s etc49.tgz -x xetc49.tgz';
		expect(inside(merge)).toMatchObject({ status: 1, stdout: expect.stringContaining('usage') });
		writeFileSync(join(dir, 'work/xetc49.tgz'), makeSet(sets['xetc'] ?? []));
		expect(inside(merge).stdout).toContain('===> Updating /etc/services');
		expect(read('etc/services')).toContain('services of 4910');
	});

	test('syspatch installs once and relinks, then exits 2 with nothing to do, takes it back, and does not know snapshots', () => {
		install('7.8');
		expect(inside('/usr/libexec/reorder_kernel').status).toBe(0);
		expect(inside('syspatch -c').stdout).not.toBe('');
		expect(inside('syspatch').status).toBe(0);
		expect(inside('syspatch').status).toBe(2);
		expect(inside('syspatch -c').stdout).toBe('');
		expect([read('usr/bin/wc').includes('# patched'), read('bsd').includes('#1: ')]).toEqual([true, true]);
		expect(inside('sha256 -q -C /var/db/kernel.SHA256 /bsd').status).toBe(0);
		expect(inside('syspatch -r').status).toBe(0);
		expect([read('usr/bin/wc').includes('# patched'), read('bsd').includes('#54: ')]).toEqual([false, true]);
		expect(inside('syspatch -c').stdout).not.toBe('');
		write('lab/run/version', `${RELEASES['7.9-beta'].version}\n`);
		expect(inside('syspatch -c')).toMatchObject({ status: 1, stderr: 'syspatch: Unsupported release\n' });
	});

	test('syspatch counts a patch as installed before its first file is', () => {
		install('7.8');
		inside('mkdir -p /var/syspatch/78-001_example; tar -C / -czf /var/syspatch/78-001_example/rollback.tgz usr/bin/wc');
		expect(inside('syspatch -c').stdout).toBe('');
	});

	test('sysctl -n kern.boottime is bare seconds, hw.ncpufound is unknown in the old era, uname never tells beta', () => {
		install('4.9');
		expect(inside('sysctl -n kern.boottime').stdout).toBe('1795473322\n');
		expect(inside('sysctl -n hw.ncpufound').status).toBe(1);
		expect(inside('uname -r').stdout).toBe('4.9\n');
		expect(inside('sysctl -n kern.version').stdout).toMatch(/^OpenBSD 4\.9-beta \(GENERIC\.MP\) #/);
		expect(inside('sysctl -n kern.osversion').stdout).toBe('GENERIC.MP#500\n');
	});

	test('installboot refuses a disk that is not there and records the blocks it wrote', () => {
		install('7.8');
		expect(inside('installboot -v sd7').status).toBe(1);
		write('boot', 'old');
		expect(inside('installboot -v sd0').status).toBe(0);
		expect(read('boot')).toBe('boot blocks of 7800\n');
	});

	test('a FAT disk that was put in is told by disklabel, mounted, told by mount and df, and taken off', () => {
		install('7.7');
		mkdirSync(join(dir, 'lab/disks/sd1i'), { recursive: true });
		mkdirSync(join(dir, 'mnt'), { recursive: true });
		expect(inside('disklabel sd1').stdout).toMatch(/^ {2}i: +\d+ +\d+ +MSDOS/m);
		expect(inside('disklabel sd0').stdout).not.toContain('MSDOS');
		expect(inside('disklabel sd7').status).toBe(1);
		const on = 'mount -t msdos /dev/sd1i /mnt';
		expect(inside(`${on}; mount; df -kP /mnt; umount /mnt; mount`).stdout).toMatch(
			/^\/dev\/sd0a on \/ .*\n\/dev\/sd1i on \/mnt type msdos \(local\)\nFilesystem.*\n\/dev\/sd1i .* \/mnt\n\/dev\/sd0a on \/ .*\n$/,
		);
		expect(inside('mount -t msdos /dev/sd7i /mnt').status).toBe(1);
	});

	test('MAKEDEV all makes every device of its release and nothing twice', () => {
		install('7.8');
		for (const device of RELEASES['7.8'].devices) rmSync(join(dir, 'dev', device), { force: true });
		expect(inside('cd /dev; ./MAKEDEV all; ./MAKEDEV all').status).toBe(0);
		for (const device of RELEASES['7.8'].devices) expect(read(`dev/${device}`)).toBe('');
	});

	test('pkg_add -u fails while its mirror is away, and changes nothing', () => {
		install('7.8');
		const before = read('usr/local/bin/gtar');
		expect(inside('pkg_add -u').status).not.toBe(0);
		expect(read('usr/local/bin/gtar')).toBe(before);
	});

	test('a saved reboot goes on when the new system under it dies of SIGSYS', () => {
		install('7.7');
		inside('cp /sbin/reboot /sbin/oreboot');
		writeFiles(
			dir,
			(setsOf(RELEASES['7.8'])['base'] ?? []).filter(({ path }) => path !== 'bin/sh'),
		);
		expect(inside('/sbin/oreboot').status).toBe(0);
		expect(read('lab/ctl/reboot')).toBe('');
		expect(inside('ls').status).toBe(128 + 31);
		expect(inside('/sbin/reboot').status).toBe(128 + 31);
	});
});
