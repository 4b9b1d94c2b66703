import { chmodSync, copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Completes the build: what tsc leaves behind. The shell sources beside the code, and the program's execute bit. */
for (const file of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
	if (!file.endsWith('.sh')) continue;
	const copy = join('dist/src', file);
	mkdirSync(dirname(copy), { recursive: true });
	copyFileSync(join('src', file), copy);
}
chmodSync('dist/src/cli.js', 0o755);
