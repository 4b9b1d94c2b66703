import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTask } from '../../src/manifest/load.ts';
import { buildTask } from '../../src/plan/build.ts';
import type { BackupOptions } from '../../src/plan/options.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { ROOT } from '../lab/root.ts';
import { makeFacts, makeOptions } from '../plan/make.ts';

const PARTS = ['/usr/bin/tar', '/usr/bin/python3'];
/** GNU tar, a cksum(1) that makes lists, and what lays awkward trees are here. */
export const canBackUp = spawnSync('cksum', ['-a', 'sha256', '/dev/null']).status === 0 && PARTS.every((file) => existsSync(file));
/** The end of the titles of tests that need them. */
export const NEEDS = '(needs GNU tar, coreutils 9 and python3)';

/** The systems whose backup is tried. */
export type BackupSystem = 'openbsd' | 'freebsd';
const manifests = {
	openbsd: await loadTask(join(ROOT, 'manifests/openbsd/backup.yaml')),
	freebsd: await loadTask(join(ROOT, 'manifests/freebsd/backup.yaml')),
};
/** What the facts say of each. */
const FACTS = {
	openbsd: { system: 'OpenBSD', release: '7.7' },
	freebsd: { system: 'FreeBSD', release: '14.3', rootDisk: 'zroot/ROOT/default' },
} as const;
/** FreeBSD's base tar is bsdtar, where this machine has it. */
const TAR = { openbsd: 'tar', freebsd: existsSync('/usr/bin/bsdtar') ? 'bsdtar' : 'tar' };

/** What a host has and this machine lacks, as functions of sh; /etc is kept small. */
const STAND_INS = {
	openbsd: `
pkg_info() { echo quirks-7.50; }
dmesg() { echo 'OpenBSD 7.7 (GENERIC.MP) #1'; }
disklabel() { echo "# /dev/r$1c:"; }
ls() { case $1 in /var/db/pkg) echo quirks-7.50 ;; *) command ls "$@" ;; esac; }
`,
	freebsd: `
pkg() { [ "$1" = -N ] || echo pkg-2.1.2; }
dmesg() { echo 'FreeBSD 14.3-RELEASE-p2 GENERIC'; }
for one in bectl kldstat gpart glabel zpool zfs; do eval "$one() { echo what $one says; }"; done
`,
};
const tarOf = (program: string): string =>
	`tar() { case "$*" in *' etc '*) shift 3; command ${program} -czf "$T/run/etc.tgz" etc/passwd "$@" ;; *) command ${program} "$@" ;; esac; }`;

const AS_ROOT = process.getuid?.() === 0 ? [] : ['-r'];
/** Whether a disk of its own can be mounted for a test. */
export const canMount = spawnSync('unshare', [...AS_ROOT, '--mount', 'true']).status === 0;

/** Bytes that do not compress and are the same every time. */
export function noise(seed: string, blocks: number): Buffer {
	return Buffer.concat(Array.from({ length: blocks }, (_, n) => createHash('sha512').update(`${seed}${n}`).digest()));
}

/** A backup of a small tree on this machine, by the plan's own lines, one step after the other. */
export class PracticeBackup {
	readonly top = mkdtempSync(join(tmpdir(), 'bsdup-backup-'));
	readonly data = join(this.top, 'data');
	readonly volumes = join(this.top, 'volumes');
	readonly restored = join(this.top, 'restored');
	readonly plan: Plan;
	readonly system: BackupSystem;
	readonly split: boolean;
	readonly base = 'bsdup-20261123220737-host1';

	constructor(
		changes: Partial<BackupOptions> = {},
		gnuTar: string | null = '/usr/bin/tar',
		paths?: (top: string) => string[],
		system: BackupSystem = 'openbsd',
	) {
		this.system = system;
		for (const dir of [this.data, this.restored, join(this.top, 'run'), join(this.top, 'bin')]) mkdirSync(dir);
		writeFileSync(join(this.top, 'bin/sha256'), '#!/bin/sh\nexec cksum -a sha256 "$@"\n', { mode: 0o755 });
		const backup = { paths: paths?.(this.top) ?? [this.data], dir: this.volumes, volumeKiB: 1000, ...changes };
		const facts = makeFacts({ gnuTar, ...FACTS[system] });
		this.plan = buildTask(manifests[system], facts, makeOptions({ backup }), `${system}/backup`, 'a backup');
		this.split = this.plan.steps.some(({ id }) => id === 'backup-split');
	}

	/** The lines of a step with the run's directory in `top`; `before`: sh that comes first. */
	lines(id: string, what: 'commands' | 'done' | 'measure' = 'commands', before = ''): string {
		const text = this.plan.steps.find((step) => step.id === id)?.[what] ?? '';
		const lines = (typeof text === 'string' ? text : text.join('\n')).replaceAll(this.plan.dir, join(this.top, 'run'));
		return `T='${this.top}'\nPATH=$T/bin:$PATH\n${STAND_INS[this.system]}${tarOf(TAR[this.system])}\n${before}\n${lines.replaceAll(this.plan.dir.slice(1), join(this.top, 'run').slice(1))}`;
	}

	step(id: string, what: 'commands' | 'done' | 'measure' = 'commands', before = '') {
		const { status, stdout, stderr } = spawnSync('sh', ['-e'], { input: this.lines(id, what, before), encoding: 'utf8' });
		return { status, said: stdout + stderr };
	}

	/** The same with the volumes on a disk of its own, mounted with `options` of tmpfs; `said` ends in what lies there. */
	stepOnDisk(options: string, id: string) {
		const enter = `mkdir -p "$1" && mount -t tmpfs -o ${options} tmpfs "$1" || exit 99; sh -e; rc=$?; echo; ls "$1"; exit $rc`;
		const argv = [...AS_ROOT, '--mount', 'sh', '-c', enter, 'sh', this.volumes];
		const { status, stdout, stderr } = spawnSync('unshare', argv, { input: this.lines(id), encoding: 'utf8' });
		return { status, said: stderr + stdout };
	}

	/** Writes the volumes alone. */
	write(before = '') {
		return this.step(this.split ? 'backup-split' : 'backup', 'commands', before);
	}

	/** All steps up to the first that fails. */
	all(before = ''): { status: number | null; said: string } {
		let said = '';
		for (const id of [this.split ? 'backup-split' : 'backup', 'backup-verify', 'keep', 'backup-note', 'backup-words', 'backup-finish']) {
			const result = this.step(id, 'commands', before);
			said += result.said;
			if (result.status !== 0) return { status: result.status, said: `${id}: ${said}` };
		}
		return { status: 0, said };
	}

	file(name: string): string {
		return join(this.volumes, `${this.base}.${name}`);
	}

	manifest(): Record<string, unknown> & { volumes: { file: string; bytes: number; sha256: string }[] } {
		return JSON.parse(readFileSync(this.file('MANIFEST.json'), 'utf8'));
	}

	/** Runs the line that RECOVERY.txt gives for restoring everything, with -C changed to another directory; `volumes`: where they lie by now. */
	restore(volumes = this.volumes): { status: number | null; said: string } {
		const note = readFileSync(this.file('RECOVERY.txt'), 'utf8');
		const line =
			/^Everything: +(.*)$/m
				.exec(note)?.[1]
				?.replace(/^gtar/, 'tar')
				.replace('| tar', `| ${TAR[this.system]}`)
				.replace('-C /', `-C ${this.restored}`) ?? 'false';
		return this.shell(line, volumes);
	}

	/** Runs a line in the directory of the volumes, as a person would. */
	shell(line: string, cwd = this.volumes): { status: number | null; said: string } {
		const env = { ...process.env, PATH: `${this.top}/bin:${process.env['PATH']}` };
		const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { cwd, encoding: 'utf8', env });
		return { status, said: stdout + stderr };
	}

	remove(): void {
		rmSync(this.top, { recursive: true, force: true, maxRetries: 20 });
	}
}

/** Everything about a tree that a backup keeps: names, kinds, modes, owners, times, links, contents. */
export function describeTree(top: string): string[] {
	const inodes = new Map<number, string>();
	const walk = (dir: string): string[] =>
		readdirSync(join(top, dir))
			.sort()
			.flatMap((name) => {
				const path = join(dir, name);
				const stat = lstatSync(join(top, path));
				if (stat.isSocket()) return [];
				const same = stat.nlink > 1 && !stat.isDirectory() ? (inodes.get(stat.ino) ?? '') : '';
				inodes.set(stat.ino, path);
				const body = stat.isSymbolicLink()
					? readlinkSync(join(top, path))
					: stat.isFile()
						? createHash('sha256')
								.update(readFileSync(join(top, path)))
								.digest('hex')
						: '';
				const time = stat.isSymbolicLink() ? '' : Math.floor(stat.mtimeMs / 1000);
				const line = JSON.stringify([path, stat.mode, stat.uid, stat.gid, time, same, body]);
				return stat.isDirectory() ? [line, ...walk(path)] : [line];
			});
	return walk('');
}

/** A tree with all that is awkward, below `dir`. */
export function layAwkwardTree(dir: string): void {
	writeFileSync(join(dir, 'large'), noise('large', 50_000));
	writeFileSync(join(dir, 'odd name\'s $(id) "x"'), 'odd\n');
	writeFileSync(join(dir, 'new\nline\ttab'), 'newline\n');
	writeFileSync(join(dir, '-dash'), 'dash\n', { mode: 0o4755 });
	const script = `
import os, socket
os.chdir(${JSON.stringify(dir)})
os.link('large', 'hard'); os.symlink('large', 'link'); os.symlink('/gone', 'dangling'); os.mkfifo('fifo')
f = open('sparse', 'wb'); f.write(b'head'); f.seek(3 << 20); f.write(b'middle'); f.truncate(6 << 20); f.close()
s = socket.socket(socket.AF_UNIX); s.bind('socket')
os.utime('-dash', (1000000000, 1000000001))
if os.getuid() == 0: os.chown('-dash', 1234, 4321)
for i in range(8):
    os.mkdir('p' * 60 + str(i)); os.chdir('p' * 60 + str(i))
open('deep', 'w').write('deep')
`;
	const { status, stderr } = spawnSync('/usr/bin/python3', ['-c', script], { encoding: 'utf8' });
	if (status !== 0) throw new Error(stderr);
}
