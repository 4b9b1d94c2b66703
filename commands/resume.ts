import { Args } from '@oclif/core';
import { BaseCommand } from '../src/cli/base-command.ts';
import { carry } from '../src/cli/carry.ts';
import { findRun } from '../src/cli/find-run.ts';
import { runFlags } from '../src/cli/run-flags.ts';

export default class ResumeCommand extends BaseCommand {
	static override summary = 'Go on with a run, from wherever it stands.';
	static override args = { run: Args.string({ description: 'a run, or a host; none = the newest run' }) };
	static override flags = runFlags;
	static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> root@db1'];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(ResumeCommand);
		const folder = findRun(flags.state, args.run);
		process.exitCode = await carry(folder, flags, this.jsonEnabled());
		return undefined;
	}
}
