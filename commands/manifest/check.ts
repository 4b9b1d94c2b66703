import { Args } from '@oclif/core';
import { typed } from '../../src/cli/args.ts';
import { BaseCommand } from '../../src/cli/base-command.ts';
import { loadAnyManifest } from '../../src/manifest/load.ts';

export default class ManifestCheckCommand extends BaseCommand {
	static override summary = 'Tell whether a manifest can be used; every fault with its file and line.';
	static override args = { file: Args.string({ ...typed, description: 'the manifest', required: true }) };
	static override examples = ['<%= config.bin %> <%= command.id %> my-method.yaml'];

	async run(): Promise<unknown> {
		const { args } = await this.parse(ManifestCheckCommand);
		const manifest = await loadAnyManifest(args.file);
		this.log(`${args.file}: fine`);
		return { file: args.file, method: manifest.method, steps: manifest.steps.length };
	}
}
