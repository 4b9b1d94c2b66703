import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../lab/root.ts';

const CLI = join(ROOT, 'dist/src/cli.js');

test.skipIf(!existsSync(CLI) || !existsSync('/dev/full'))(
	'a command that only tells has failed on a full disk, and says why in one line (needs npm run build and /dev/full)',
	() => {
		const full = openSync('/dev/full', 'w');
		const { status, stderr } = spawnSync(process.execPath, [CLI, 'manifest', 'show'], {
			stdio: ['ignore', full, 'pipe'],
			encoding: 'utf8',
		});
		closeSync(full);
		expect([status, stderr]).toEqual([1, 'bsdup: not all that is told can be written: ENOSPC: no space left on device, write\n']);
	},
);
