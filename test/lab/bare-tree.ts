import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { FREEBSD_RELEASES } from './freebsd/releases.ts';
import { RELEASES } from './releases.ts';
import { ROOT } from './root.ts';
import { layStandIns, type SystemName, systemOf } from './system.ts';
import { program } from './tree.ts';

const AS_ROOT = process.getuid?.() === 0 ? [] : ['-r'];

/** Whether trees can be entered here: root, or user namespaces. */
export const canEnterTrees = spawnSync('unshare', [...AS_ROOT, '--mount', 'true']).status === 0;

/** A practice system that is not booted: its tree, its programs, and whatever a test lays there. */
export interface BareTree {
	dir: string;
	/** Writes files (paths from the root); a program is run in place of the system's own: its text is sh. */
	lay(what: { files?: Record<string, string>; links?: Record<string, string>; dirs?: string[]; programs?: Record<string, string> }): void;
	/** Runs a script in the tree by its own sh; `before` runs outside with the tree as $1, e.g. to mount something. */
	run(script: string, before?: string): { status: number | null; stdout: string; stderr: string };
	destroy(): void;
}

/** The kernel that would run. */
function kernelOf(name: SystemName): { level: number; version: string } {
	if (name in RELEASES) return RELEASES[name as keyof typeof RELEASES];
	const { level, kernel } = FREEBSD_RELEASES[name as keyof typeof FREEBSD_RELEASES];
	return { level, version: `FreeBSD ${kernel} releng-n259162 GENERIC` };
}

/** What was installed once in this process: a copy is quicker. */
const installed = new Map<SystemName, { disk: string; below: string }>();
process.once('exit', () => {
	for (const { disk } of installed.values()) rmSync(disk, { recursive: true, force: true });
});

/** Installs a release below a new directory, without what a boot adds. `below`: where its tree is, from the disk's top. */
function install(name: SystemName): { disk: string; below: string } {
	const disk = mkdtempSync(join(tmpdir(), 'bsdup-tree-'));
	const system = systemOf(name);
	const { level, version } = kernelOf(name);
	const dir = system.install(disk, { authorizedKey: '', name: 'practice', mirror: 'http://127.0.0.1:1' });
	for (const sub of ['lab/real', 'lab/run', 'lab/log', 'lab/ctl', 'lab/pool']) mkdirSync(join(dir, sub), { recursive: true });
	copyFileSync(join(ROOT, 'test/lab/gate.sh'), join(dir, 'lab/gate'));
	chmodSync(join(dir, 'lab/gate'), 0o755);
	layStandIns(system, join(dir, 'lab/stand-ins'));
	// What a boot on a pool notes down is here too: the environment that runs, and what is mounted besides.
	const run = { level: `${level}\n`, version: `${version}\n`, boottime: '1795473322\n', be: 'default\n', mounts: '', id: 'GENERIC\n' };
	for (const [file, text] of Object.entries(run)) writeFileSync(join(dir, 'lab/run', file), text);
	for (const device of ['null', 'urandom']) writeFileSync(join(dir, 'dev', device), '');
	return { disk, below: relative(disk, dir) };
}

/** A release, installed below a new directory. */
export function makeBareTree(name: SystemName): BareTree {
	const from = installed.get(name) ?? install(name);
	installed.set(name, from);
	const disk = mkdtempSync(join(tmpdir(), 'bsdup-tree-'));
	execFileSync('cp', ['-a', `${from.disk}/.`, disk]);
	const dir = join(disk, from.below);
	const { level } = kernelOf(name);
	const put = (path: string, text: string): void => {
		mkdirSync(dirname(join(dir, path)), { recursive: true });
		writeFileSync(join(dir, path), text);
	};
	return {
		dir,
		lay({ files = {}, links = {}, dirs = [], programs = {} }) {
			for (const path of dirs) mkdirSync(join(dir, path), { recursive: true });
			for (const [path, text] of Object.entries(files)) put(path, text);
			for (const [path, to] of Object.entries(links)) {
				rmSync(join(dir, path), { recursive: true, force: true });
				symlinkSync(to, join(dir, path));
			}
			for (const [called, text] of Object.entries(programs)) {
				put(`lab/stand-ins/${called}`, text);
				put(`usr/local/bin/${called}`, program('package', called, level));
				chmodSync(join(dir, 'usr/local/bin', called), 0o755);
			}
		},
		run(script, before = ':') {
			const enter =
				'for d in null urandom; do mount --bind /dev/$d "$1/dev/$d" || exit 99; done; ' +
				'mount --rbind /proc "$1/proc" && mount --rbind /usr "$1/lab/real" && mount --bind "$3" "$1/lab/pool" && mount --bind "$(realpath /lib)" "$1/lib" && mount --bind "$(realpath /lib64)" "$1/lib64" || exit 99; ' +
				`${before}\n` +
				'exec env -i PATH=/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin chroot "$1" /bin/sh -c "$2"';
			const { status, stdout, stderr } = spawnSync('unshare', [...AS_ROOT, '--mount', 'sh', '-c', enter, 'sh', dir, script, disk], {
				encoding: 'utf8',
			});
			return { status, stdout, stderr };
		},
		destroy: () => rmSync(disk, { recursive: true, force: true }),
	};
}
