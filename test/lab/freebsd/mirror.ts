import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { archiveOf } from '../archive.ts';
import type { LabFile } from '../tree.ts';
import { FREEBSD_RELEASES, type FreebsdRelease, type FreebsdReleaseName } from './releases.ts';
import { freebsdSets } from './tree.ts';

export interface FreebsdMirrorOptions {
	/** The system boots, and its sshd does not start. */
	noSshd?: boolean;
	/** Sets that the release lacks. */
	without?: string[];
	/** The sets are those of this one, under the other's name. */
	setsOf?: FreebsdReleaseName;
}

const ABOUT: Record<string, string> = {
	base: 'Base system (MANDATORY)',
	kernel: 'Kernel (MANDATORY)',
	lib32: '32-bit compatibility libraries',
	src: 'System source tree',
};

/** Directories of base in which it has nothing, for on a host they are somebody else's. */
const EMPTY = ['dev/', 'media/', 'mnt/', 'net/', 'proc/', 'tmp/', 'usr/local/', 'usr/obj/', 'usr/src/', 'var/empty/'];

/** A set as bytes: tar and xz, members `./…` in the order given, the directories that they lie in before them (F:B.1). */
export function makeDistSet(files: readonly LabFile[]): Buffer {
	const parents = (path: string): string[] => [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index + 1));
	const dirs = [...new Set(files.flatMap(({ path }) => parents(path)))].sort();
	return archiveOf([...dirs.map((path) => ({ path, text: '', mode: 0o755 })), ...files], 'xz');
}

/** Writes one release in the mirror's real layout below `top` (F:B.1). Returns the text of its MANIFEST. */
export function publishFreebsd(top: string, name: FreebsdReleaseName, options: FreebsdMirrorOptions = {}): string {
	const release: FreebsdRelease = FREEBSD_RELEASES[options.setsOf ?? name];
	const dir = join(top, 'releases/amd64/amd64', name);
	mkdirSync(dir, { recursive: true });
	const lines: string[] = [];
	for (const [set, all] of Object.entries(freebsdSets(release))) {
		if (options.without?.includes(set) === true) continue;
		const sick = (file: LabFile): LabFile =>
			options.noSshd === true && file.path === 'usr/sbin/sshd' ? { ...file, text: '#!/bin/sh\nexit 1\n' } : file;
		const files = all.map(sick);
		const empty = set === 'base' ? EMPTY.map((path) => ({ path, text: '', mode: 0o755 })) : [];
		const bytes = makeDistSet([...empty, ...files]);
		writeFileSync(join(dir, `${set}.txz`), bytes);
		const hash = createHash('sha256').update(bytes).digest('hex');
		lines.push(`${[`${set}.txz`, hash, files.length, set, `"${ABOUT[set] ?? set}"`, 'on'].join('\t')}\n`);
	}
	const manifest = lines.sort().join('');
	writeFileSync(join(dir, 'MANIFEST'), manifest);
	return manifest;
}
