import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDir } from '../src/make-dir.ts';
import { ROOT } from './lab/root.ts';

/** Users of a directory that a person names, each in a program of its own: it might never end. */
const users = {
	'the cache': ['cache/in-use.js', (dir: string) => `claim('${dir}', [])`],
	'a backup on this machine': ['backup/pieces.js', (dir: string) => `new PieceWriter('${dir}', 'b', 1).begin()`],
	known_hosts: ['transport/known-hosts.js', (dir: string) => `addHostKey('${dir}/f', 'h', 22, Buffer.alloc(8), false)`],
} as const;

test.each(Object.entries(users))('%s in a directory that cannot be made ends with an error, below /proc too', (_who, [file, use]) => {
	for (const place of ['/proc/bsdup/x', '/dev/null/x']) {
		const begin = `import * as all from '${join(ROOT, 'dist/src', file)}'; const { claim, PieceWriter, addHostKey } = all;`;
		const text = `${begin} try { await ${use(place)} } catch { console.log('ended') }`;
		const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8', timeout: 20_000 });
		expect([place, stdout]).toEqual([place, 'ended\n']);
	}
});

test('a directory is made with those above it, each told, and left as it is where it is there', () => {
	const top = mkdtempSync(join(tmpdir(), 'bsdup-make-'));
	try {
		const made: string[] = [];
		for (const _ of [1, 2]) makeDir(join(top, 'a/b'), 0o700, (dir) => made.push(dir));
		expect(made).toEqual([join(top, 'a'), join(top, 'a/b')]);
		expect(statSync(join(top, 'a/b')).mode & 0o777).toBe(0o700);
	} finally {
		rmSync(top, { recursive: true });
	}
});
