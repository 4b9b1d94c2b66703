import { contents } from '../../src/cache/entries.ts';
import { cacheDir } from '../../src/cache/place.ts';
import { cacheLines } from '../../src/cache/text.ts';
import { BaseCommand } from '../../src/cli/base-command.ts';
import { formatBytes } from '../../src/report/progress.ts';

export default class CacheListCommand extends BaseCommand {
	static override summary = 'List the fetched files that are kept for all hosts and runs, the last used first.';
	static override description = 'Each line: size, time since its last use, the begin of its SHA256, its name and where it came from.';
	static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

	async run(): Promise<unknown> {
		await this.parse(CacheListCommand);
		const dir = cacheDir();
		const found = await contents(dir);
		for (const line of cacheLines(found, dir, Date.now() / 1000, formatBytes)) this.log(line);
		return { dir, ...found };
	}
}
