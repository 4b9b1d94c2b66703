import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backupValues } from '../../src/plan/backup-values.ts';
import { GNU_TAR } from '../backup/volumes.ts';
import { makeFacts, makeOptions } from './make.ts';

describe.skipIf(GNU_TAR === null)('what is left out of a backup (needs GNU tar)', () => {
	let root: string;
	beforeAll(() => {
		root = mkdtempSync(join(tmpdir(), 'bsdup-root-'));
		for (const dir of ['mnt', 'home/mnt', 'home/media', 'var/db/bsdup/run-1']) {
			mkdirSync(join(root, dir), { recursive: true });
			writeFileSync(join(root, dir, 'file'), 'x');
		}
	});
	afterAll(() => rmSync(root, { recursive: true, force: true }));

	/** The files that are not left out, of paths on a host whose root is `root`. */
	function kept(paths: string[], excludes: string[]): string[] {
		const options = makeOptions({ backup: { paths, excludes, dir: '/mnt', volumeKiB: 1000 } });
		const { backupPaths = [], backupExcludes = [] } = backupValues(makeFacts(), options, '/var/db/bsdup/run-1');
		const { stdout } = spawnSync(GNU_TAR ?? '', ['-cvf', '/dev/null', ...backupExcludes, ...backupPaths], { cwd: root, encoding: 'utf8' });
		return stdout.split('\n').filter((name) => name.endsWith('file'));
	}

	test.each([
		['a directory below the root, when the root is backed up', ['/'], ['/mnt', '/home/media'], ['./home/mnt/file']],
		['a directory named with a slash at its end', ['/home', '/mnt'], ['/home/media/'], ['home/mnt/file', 'mnt/file']],
		['a name anywhere, with a slash at its end', ['/'], ['mnt/'], ['./home/media/file']],
		['nothing but the directory of the run', ['/'], [], ['./home/media/file', './home/mnt/file', './mnt/file']],
	])('is %s', (_what, paths, excludes, left) => expect(kept(paths, excludes).sort()).toEqual(left));
});
