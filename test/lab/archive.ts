import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Content, writeFiles } from './write-tree.ts';

const made = new Map<string, Buffer>();

/**
 * A tar archive as bytes: members `./…` in the order given, owned by root; plain or as `gzip` or `xz` makes it. The tests of one
 * process publish the same releases over and over: each archive is made once.
 */
export function archiveOf(files: readonly Content[], pressed: 'plain' | 'gzip' | 'xz'): Buffer {
	const hash = createHash('sha256').update(pressed);
	for (const { path, text, mode } of files) hash.update(`\0${path}\0${mode}\0${text.length}\0`).update(text);
	const key = hash.digest('hex');
	const bytes = made.get(key) ?? make(files, pressed);
	made.set(key, bytes);
	return Buffer.from(bytes);
}

function make(files: readonly Content[], pressed: 'plain' | 'gzip' | 'xz'): Buffer {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-archive-'));
	try {
		writeFiles(dir, files);
		const filter = pressed === 'plain' ? [] : [`--${pressed}`];
		const owned = ['--no-recursion', '--format=ustar', '--owner=0', '--group=0', '--mtime=2026-01-01'];
		return execFileSync('tar', ['-c', ...filter, '-f', '-', ...owned, '-C', dir, '-T', '-'], {
			input: files.map(({ path }) => `./${path}`).join('\n'),
			maxBuffer: 1 << 28,
			env: { ...process.env, XZ_OPT: '-0' },
		});
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
}
