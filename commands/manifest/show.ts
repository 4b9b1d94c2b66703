import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Args } from '@oclif/core';
import { typed } from '../../src/cli/args.ts';
import { BaseCommand } from '../../src/cli/base-command.ts';
import { BsdupError, EXIT } from '../../src/errors.ts';
import { listManifests } from '../../src/manifest/list.ts';
import { loadAnyManifest, parseManifest } from '../../src/manifest/load.ts';
import { composeManifest } from '../../src/manifest/use.ts';

export default class ManifestShowCommand extends BaseCommand {
	static override summary = 'List the manifests, or print one to start your own from.';
	static override args = {
		name: Args.string({ ...typed, description: 'SYSTEM/METHOD, or METHOD where only one system has it; none = list them' }),
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %>',
		'<%= config.bin %> <%= command.id %> SYSTEM/in-place > my-method.yaml',
	];

	async run(): Promise<unknown> {
		const { args } = await this.parse(ManifestShowCommand);
		const known = await listManifests(join(this.config.root, 'manifests'));
		if (args.name === undefined) {
			const rows = await Promise.all(known.map(async ({ name, file }) => ({ name, file, manifest: await loadAnyManifest(file) })));
			const shown = rows.map(({ name, file, manifest }) => ({
				name,
				file,
				title: manifest.title,
				eras: 'eras' in manifest ? manifest.eras : [],
			}));
			for (const { name, title, eras } of shown)
				this.log(`${name}: ${title}${eras.length === 0 ? '' : `; from ${eras.map((era) => era.name).join(', ')}`}`);
			return shown;
		}
		// Only a listed name is ever opened, so that a name cannot lead out of the folder.
		const fitting = known.filter(({ name }) => name === args.name || name.split('/')[1] === args.name);
		const [found] = fitting;
		if (found === undefined || fitting.length > 1) {
			throw new BsdupError({
				code: 'E_MANIFEST_NAME',
				message: `there ${found === undefined ? 'is no manifest' : 'are several manifests'} ${JSON.stringify(args.name)}`,
				next: (found === undefined ? known : fitting).map(({ name }) => `bsdup manifest show ${name}`),
				exit: EXIT.usage,
			});
		}
		const text = await readFile(found.file, 'utf8');
		this.log(composeManifest(text, found.file).text.trimEnd());
		return parseManifest(text, found.file);
	}
}
