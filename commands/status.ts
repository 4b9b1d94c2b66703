import { Flags } from '@oclif/core';
import { newestRunArg } from '../src/cli/args.ts';
import { BaseCommand } from '../src/cli/base-command.ts';
import { findRun, hopAfter } from '../src/cli/find-run.ts';
import { explain, explainLines } from '../src/journal/explain.ts';
import { readJournal } from '../src/journal/journal.ts';
import { statusLines, statusOf } from '../src/journal/status.ts';

export default class StatusCommand extends BaseCommand {
	static override summary = 'Tell where a run stands and what comes next.';
	static override args = { run: newestRunArg };
	static override flags = {
		state: Flags.string({ description: 'directory of the runs', helpValue: 'DIR', env: 'BSDUP_STATE' }),
		explain: Flags.boolean({ default: false, description: 'for each step: what is known, from where, and what resume will do' }),
		recovery: Flags.boolean({ default: false, description: 'print the recovery card too' }),
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %> root@db1',
		'<%= config.bin %> <%= command.id %> --explain',
		'<%= config.bin %> <%= command.id %> --recovery',
	];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(StatusCommand);
		const folder = findRun(flags.state, args.run);
		const { entries, cut } = readJournal(folder.journal);
		const status = statusOf(folder.plan, entries);
		const explained = flags.explain ? { explain: explain(folder.plan, entries) } : {};
		const lines =
			explained.explain === undefined
				? statusLines(folder.plan, status, hopAfter(flags.state, folder))
				: explainLines(folder.plan, explained.explain);
		for (const line of lines) this.log(line);
		if (cut) this.log("The journal's last line was cut off; the host's own record tells what it would have said.");
		if (flags.recovery) this.log(`\n${folder.plan.recovery}`);
		return { ...status, ...explained, ...(flags.recovery ? { recovery: folder.plan.recovery } : {}), cut };
	}
}
