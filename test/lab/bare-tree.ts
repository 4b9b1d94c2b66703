import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installSystem } from './install.ts';
import { RELEASES, type ReleaseName } from './releases.ts';
import { ROOT } from './root.ts';
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

/** Installs a release below a new directory. */
export function makeBareTree(name: ReleaseName): BareTree {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-tree-'));
	const put = (path: string, text: string): void => {
		mkdirSync(dirname(join(dir, path)), { recursive: true });
		writeFileSync(join(dir, path), text);
	};
	installSystem(dir, name, { authorizedKey: '', name: 'practice', mirror: 'http://127.0.0.1:1' });
	for (const sub of ['lab/real', 'lab/run', 'lab/log', 'lab/ctl']) mkdirSync(join(dir, sub), { recursive: true });
	copyFileSync(join(ROOT, 'test/lab/gate.sh'), join(dir, 'lab/gate'));
	chmodSync(join(dir, 'lab/gate'), 0o755);
	cpSync(join(ROOT, 'test/lab/stand-ins'), join(dir, 'lab/stand-ins'), { recursive: true, verbatimSymlinks: true });
	put('lab/run/level', `${RELEASES[name].level}\n`);
	put('lab/run/version', `${RELEASES[name].version}\n`);
	put('lab/run/boottime', '1795473322\n');
	for (const device of ['null', 'urandom']) put(`dev/${device}`, '');
	return {
		dir,
		lay({ files = {}, links = {}, dirs = [], programs = {} }) {
			for (const path of dirs) mkdirSync(join(dir, path), { recursive: true });
			for (const [path, text] of Object.entries(files)) put(path, text);
			for (const [path, to] of Object.entries(links)) symlinkSync(to, join(dir, path));
			for (const [called, text] of Object.entries(programs)) {
				put(`lab/stand-ins/${called}`, text);
				put(`usr/local/bin/${called}`, program('package', called, RELEASES[name].level));
				chmodSync(join(dir, 'usr/local/bin', called), 0o755);
			}
		},
		run(script, before = ':') {
			const enter =
				'for d in null urandom; do mount --bind /dev/$d "$1/dev/$d" || exit 99; done; ' +
				'mount --rbind /proc "$1/proc" && mount --rbind /usr "$1/lab/real" && mount --bind "$(realpath /lib)" "$1/lib" && mount --bind "$(realpath /lib64)" "$1/lib64" || exit 99; ' +
				`${before}\n` +
				'exec env -i PATH=/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin chroot "$1" /bin/sh -c "$2"';
			const { status, stdout, stderr } = spawnSync('unshare', [...AS_ROOT, '--mount', 'sh', '-c', enter, 'sh', dir, script], {
				encoding: 'utf8',
			});
			return { status, stdout, stderr };
		},
		destroy: () => rmSync(dir, { recursive: true, force: true }),
	};
}
