import { Flags } from '@oclif/core';
import { cacheDir } from '../../src/cache/place.ts';
import { prune } from '../../src/cache/prune.ts';
import { BaseCommand } from '../../src/cli/base-command.ts';
import { readConfig } from '../../src/cli/config.ts';
import { ageFlag, sizeFlag } from '../../src/cli/size.ts';
import { formatBytes } from '../../src/report/progress.ts';

export default class CachePruneCommand extends BaseCommand {
	static override summary = 'Remove kept files that are no longer needed; never what a run uses now.';
	static override description =
		'Without flags the bound of the config file holds (cache: maxSize, 10G by default), as it does after each fetch. Partial files that nobody went on with for a week go too.';
	static override flags = {
		'max-size': Flags.string({ description: 'keep at most so much, the longest unused go first', helpValue: '10G' }),
		'older-than': Flags.string({ description: 'remove what was not used for so long', helpValue: '30d' }),
		all: Flags.boolean({ default: false, description: 'remove everything', exclusive: ['max-size', 'older-than'] }),
		'dry-run': Flags.boolean({ default: false, description: 'only tell what would go' }),
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %>',
		'<%= config.bin %> <%= command.id %> --max-size 2G --older-than 30d',
		'<%= config.bin %> <%= command.id %> --all --dry-run',
	];

	async run(): Promise<unknown> {
		const { flags } = await this.parse(CachePruneCommand);
		const { 'max-size': size, 'older-than': age, all, 'dry-run': dryRun } = flags;
		const bound = size ?? (age === undefined && !all ? readConfig().cache.maxSize : undefined);
		const result = await prune({
			...{ dir: cacheDir(), all, dryRun },
			maxBytes: bound === undefined ? undefined : sizeFlag('max-size', bound),
			olderThan: age === undefined ? undefined : ageFlag('older-than', age),
		});
		for (const { size, sha256, name } of result.removed)
			this.log(`${formatBytes(size).padStart(10)}  ${sha256.slice(0, 12)}  ${name ?? '?'}`);
		const parts = result.partial === 0 ? '' : ` and ${result.partial} partial`;
		const busy = result.inUse === 0 ? '' : `; ${result.inUse} in use stay`;
		this.log(
			`${dryRun ? 'would remove' : 'removed'} ${result.removed.length} files${parts}, ${formatBytes(result.freed)}; ${formatBytes(result.kept)} kept${busy}`,
		);
		return result;
	}
}
