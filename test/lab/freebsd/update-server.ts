import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { LabFile } from '../tree.ts';
import { FREEBSD_RELEASES, type FreebsdRelease, PATCHED_14_3 } from './releases.ts';
import { freebsdSets, SCHG } from './tree.ts';

export interface UpdateServerOptions {
	/** When the running release and the target pass their ends of life. Epoch seconds; default: far ahead. */
	eol?: { running?: number; target?: number };
	/** 14.3 has no errata there, so that the program which installs 15.0 is the old one. */
	noErrata?: boolean;
	/** 15.0 is not there. */
	noTarget?: boolean;
}

const FAR_AHEAD = 4_000_000_000;
/** What 14.3 ships in /etc and 15.0 does not. */
const GONE: LabFile = { path: 'etc/gone.conf', text: 'gone in 15\n', mode: 0o644 };
/** What 15.0 ships in /etc and 14.3 does not. */
const ADDED: LabFile = { path: 'etc/added.conf', text: 'new in 15\n', mode: 0o644 };
/** Not in the index of an update: what a set brings and no update replaces. */
const NOT_UPDATED = new Set(['boot/loader.conf']);

/**
 * Writes an update server below `top`/update: 14.3 with its errata, and 15.0. The layout is the lab's own: RELEASE/amd64/latest.ssl is the
 * tag without a signature, `now` the index of the newest patch level, `all` every value that was ever shipped; files/HASH.gz are shared.
 */
export function publishUpdates(top: string, options: UpdateServerOptions = {}): void {
	const old: FreebsdRelease = FREEBSD_RELEASES['14.3-RELEASE'];
	const now = options.noErrata === true ? old : PATCHED_14_3;
	publishOne(top, '14.3-RELEASE', now, [old, now], options.eol?.running);
	const target: FreebsdRelease = FREEBSD_RELEASES['15.0-RELEASE'];
	if (options.noTarget !== true) publishOne(top, '15.0-RELEASE', target, [target], options.eol?.target);
}

function publishOne(top: string, name: string, now: FreebsdRelease, ever: FreebsdRelease[], eol = FAR_AHEAD): void {
	const dir = join(top, 'update', name, 'amd64');
	const files = join(top, 'update/files');
	for (const one of [dir, files]) mkdirSync(one, { recursive: true });
	const lines = (release: FreebsdRelease): string[] =>
		updatedFiles(release).map((file) => {
			const hash = createHash('sha256').update(file.text).digest('hex');
			const blob = join(files, `${hash}.gz`);
			if (!existsSync(blob)) writeFileSync(blob, gzipSync(file.text, { level: 1 }));
			return `/${file.path}|f|0|0|${file.mode.toString(8)}|${SCHG.includes(file.path) ? 'schg' : '0'}|${hash}|`;
		});
	const text = (all: string[]): string => `${[...new Set(all)].sort().join('\n')}\n`;
	const patch = /-p(\d+)$/.exec(now.kernel)?.[1] ?? '0';
	writeFileSync(join(dir, 'now'), text(lines(now)));
	writeFileSync(join(dir, 'all'), text(ever.flatMap(lines)));
	writeFileSync(join(dir, 'latest.ssl'), `freebsd-update|amd64|${name}|${patch}|${'0'.repeat(64)}|${eol}\n`);
}

function updatedFiles(release: FreebsdRelease): LabFile[] {
	const { src: _src, ...sets } = freebsdSets(release);
	return [...Object.values(sets).flat(), release.level < 1500 ? GONE : ADDED].filter(({ path }) => !NOT_UPDATED.has(path));
}
