import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabKind } from './namespaces.ts';

/** The disk of a practice host. */
export interface Disk {
	/** What boot.sh mounts: an image or a directory. */
	readonly path: string;
	/** Looks at it while the machine is off. */
	use<T>(look: (root: string) => T): T;
	/** Resolves when the kernel let go of it. */
	atRest(): Promise<void>;
	/** Keeps what is on it at this instant; the result makes that its whole content, once it is at rest. */
	keep(): () => void;
}

/** Bytes a practice host and its backup may need. */
const ROOM = 300_000_000;

/** A new directory for a practice host: in memory where that has room and starts programs. */
export function workplace(): string {
	for (const top of ['/dev/shm', tmpdir()]) {
		if (!existsSync(top)) continue;
		const { bavail, bsize } = statfsSync(top);
		if (bavail * bsize < ROOM) continue;
		const dir = mkdtempSync(join(top, 'bsdup-host-'));
		const trial = join(dir, 'trial');
		writeFileSync(trial, '#!/bin/sh\n', { mode: 0o700 });
		const starts = spawnSync(trial).status === 0;
		rmSync(trial);
		if (starts) return dir;
		rmSync(dir, { recursive: true });
	}
	throw new Error(`neither /dev/shm nor ${tmpdir()} has ${ROOM / 1e6} MB free and lets programs start`);
}

/** An empty disk in `dir`; an image is of `gib` GiB, and sparse. */
export function makeDisk(kind: LabKind, dir: string, gib: number): Disk {
	return kind === 'root' ? imageDisk(dir, gib) : directoryDisk(dir);
}

/** A file system of its own: what is not synced is lost with the power. */
function imageDisk(dir: string, gib: number): Disk {
	const path = join(dir, 'disk');
	execFileSync('truncate', ['-s', `${gib}G`, path]);
	execFileSync('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=1,lazy_journal_init=1', path]);
	return {
		path,
		use(look) {
			const root = join(dir, 'mounted');
			mkdirSync(root, { recursive: true });
			execFileSync('mount', ['-o', 'loop', path, root]);
			try {
				return look(root);
			} finally {
				// A host that is just being started copies all mounts, this one too: then taking it off writes nothing.
				execFileSync('sync', ['-f', root]);
				execFileSync('umount', [root]);
			}
		},
		async atRest() {
			while (execFileSync('losetup', ['-j', path], { encoding: 'utf8' }) !== '') await sleep(20);
		},
		keep() {
			// What the kernel writes while it is copied would make a content that no disk ever had: then once more.
			for (let before = ''; !before.endsWith(' 0') || before !== written(path); ) {
				before = written(path);
				execFileSync('cp', ['--sparse=always', path, `${path}.cut`]);
			}
			return () => renameSync(`${path}.cut`, path);
		},
	};
}

/** Changes whenever something is written to the loop device of an image; ends in the number of requests under way. */
function written(path: string): string {
	const loops = execFileSync('losetup', ['-j', path, '-n', '-O', 'NAME'], { encoding: 'utf8' }).split(/\s+/);
	// One that nobody uses any more may stand beside the one in use, and be gone the next moment.
	const stats = loops.map((loop) => `/sys/block/${loop.replace('/dev/', '')}/stat`).filter((file) => existsSync(file));
	const numbers = stats.map((file) => readFileSync(file, 'utf8').trim().split(/\s+/).map(Number));
	// Writes completed, sectors written, requests under way (Documentation/block/stat).
	return [4, 6, 8].map((field) => numbers.reduce((sum, one) => sum + (one[field] ?? 0), 0)).join(' ');
}

/** A directory: mounting an image needs root. It loses nothing. */
function directoryDisk(dir: string): Disk {
	const path = join(dir, 'disk');
	mkdirSync(path);
	return {
		path,
		use: (look) => look(path),
		async atRest() {},
		keep() {
			throw new Error('a directory loses nothing in a power cut: this needs root, for a disk image');
		},
	};
}
