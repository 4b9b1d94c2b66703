import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { keyOf } from './key.ts';

/** Every file of a host below its root: `MODE UID:GID CONTENT` by path. */
export type Tree = Map<string, string>;

/** What no two hosts or boots have alike, each with its reason. */
const OWN = new RegExp(
	// Of a kernel whose installing was cut freebsd-update keeps what was there when it began again.
	`^be/default/boot/kernel\\.old/|^(be/[^/]+/)?(${[
		'(dev|lab|lib|lib64|proc|run|lost\\+found)(/|$)', // mounts of the practice host
		'(tmp|var/run|var/log)/', // the boot empties or writes them
		'etc/ssh/ssh_host_.*', // each host's own
		'root/.ssh/.*',
		'etc/installurl', // the mirror's port
		'var/db/bsdup/.*', // ids, times, process numbers; what must not be left there is looked at by itself
		'var/db/kernel.SHA256', // of the kernel as it was relinked
		'var/db/freebsd-update/.*', // its own store, under names of the moment
		'var/bsdup/.*', // the state of a controller that runs here
		'(root|var)/cache.*',
		'root/up.sh',
	].join('|')})`,
);

/** The id of a run, where a merge wrote the name of its directory into what it left. */
const RUN = /run-\d{14}-\w+/g;

/** Reads the whole tree below `root`. */
export function treeOf(root: string): Tree {
	const tree: Tree = new Map();
	const walk = (dir: string): void => {
		for (const name of readdirSync(join(root, dir)).sort()) {
			const path = dir === '' ? name : `${dir}/${name}`;
			if (OWN.test(path)) continue;
			const stat = lstatSync(join(root, path));
			const about = `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`;
			if (stat.isDirectory()) {
				tree.set(path, `${about} directory`);
				walk(path);
			} else if (stat.isSymbolicLink()) tree.set(path, `${about} -> ${readlinkSync(join(root, path))}`);
			// What a backup holds is proven elsewhere; its volumes are never the same twice.
			else if (path.startsWith('backup/')) tree.set(keyOf(path), about);
			// An archive has the times of what is in it.
			else if (path.endsWith('/rollback.tgz')) tree.set(path, about);
			else tree.set(path, `${about} ${contentOf(join(root, path))}`);
		}
	};
	walk('');
	return tree;
}

/** The hash of a file without the line that a relink at boot writes into it. */
function contentOf(file: string): string {
	const text = readFileSync(file, 'latin1');
	const plain = text.includes('relinked ')
		? text.replace(/^(# )?relinked .*\n/gm, '').replace(/^END .*\n/m, '')
		: text.replace(/^END [0-9a-f]{64}\n/m, '');
	return createHash('sha256').update(plain.replace(RUN, 'RUN'), 'latin1').digest('hex').slice(0, 16);
}

/** How two trees differ, a line a path. */
export function treeDifferences(wanted: Tree, found: Tree): string[] {
	const paths = [...new Set([...wanted.keys(), ...found.keys()])].sort();
	return paths
		.filter((path) => wanted.get(path) !== found.get(path))
		.map((path) => `${path}: ${found.get(path) ?? 'not there'}, not ${wanted.get(path) ?? 'there'}`);
}

/** Programs that change a system in a way that shows when it is done twice. */
const DEEDS =
	/^\S*\/(tar -C \/ -xz|sysmerge|pkg_add|installboot|fw_update|syspatch( -r)?$|rcctl -f stop|pkill|oreboot|reboot|gtar -c|sh .\/MAKEDEV)/;

/** How often a host did what must not be done twice, by its process log. */
export function deedsOf(log: readonly string[]): Map<string, number> {
	const deeds = new Map<string, number>();
	for (const line of log) {
		const words = keyOf(line.split(' ').slice(3).join(' '));
		if (DEEDS.test(words)) deeds.set(words, (deeds.get(words) ?? 0) + 1);
	}
	return deeds;
}

/** What was done oftener than in an uninterrupted run. */
export function doneAgain(wanted: Map<string, number>, found: Map<string, number>): string[] {
	return [...found].filter(([words, count]) => count > (wanted.get(words) ?? 0)).map(([words, count]) => `${words}: ${count} times`);
}
