import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder: shell sources of the lab are read from there, wherever the compiled code lies. */
export const ROOT = find(dirname(fileURLToPath(import.meta.url)));

/** The words by which tests have node run bsdup: a run of seconds does not earn back what it costs to optimize its code. */
export const BSDUP = ['--no-opt', join(ROOT, 'dist/src/cli.js')] as const;

function find(dir: string): string {
	return existsSync(join(dir, 'package.json')) && existsSync(join(dir, 'manifests')) ? dir : find(dirname(dir));
}
