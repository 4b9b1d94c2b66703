import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../src/cli/base-command.ts';
import { findRun } from '../src/cli/find-run.ts';
import { readJournal } from '../src/journal/journal.ts';
import { statusLines, statusOf } from '../src/journal/status.ts';

export default class StatusCommand extends BaseCommand {
	static override summary = 'Tell where a run stands and what comes next.';
	static override args = { run: Args.string({ description: 'a run, or a host; none = the newest run' }) };
	static override flags = {
		state: Flags.string({ description: 'directory of the runs', helpValue: 'DIR', env: 'BSDUP_STATE' }),
		recovery: Flags.boolean({ default: false, description: 'print the recovery card too' }),
	};
	static override examples = ['<%= config.bin %> <%= command.id %> root@db1', '<%= config.bin %> <%= command.id %> --recovery'];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(StatusCommand);
		const folder = findRun(flags.state, args.run);
		const status = statusOf(folder.plan, readJournal(folder.journal).entries);
		for (const line of statusLines(folder.plan, status)) this.log(line);
		if (flags.recovery) this.log(`\n${folder.plan.recovery}`);
		return status;
	}
}
