import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Plugin } from '@oclif/core';

/**
 * Completes the build: what tsc leaves behind. The shell sources beside the code, the program's execute bit, and the list of the
 * commands with their flags, without which oclif loads every command to print a line of help.
 */
for (const file of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
	if (!file.endsWith('.sh')) continue;
	const copy = join('dist/src', file);
	mkdirSync(dirname(copy), { recursive: true });
	copyFileSync(join('src', file), copy);
}
chmodSync('dist/src/cli.js', 0o755);
const plugin = new Plugin({ root: process.cwd(), type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
await plugin.load();
writeFileSync('oclif.manifest.json', `${JSON.stringify(plugin.manifest, null, '\t')}\n`);
