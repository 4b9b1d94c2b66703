import { Args } from '@oclif/core';
import { typed } from '../src/cli/args.ts';
import { BaseCommand } from '../src/cli/base-command.ts';
import { carry } from '../src/cli/carry.ts';
import { findRunToResume } from '../src/cli/find-run.ts';
import { goOnward } from '../src/cli/go-onward.ts';
import { hostFlags } from '../src/cli/open-host.ts';
import { runFlags } from '../src/cli/run-flags.ts';
import { EXIT } from '../src/errors.ts';
import { readJournal } from '../src/journal/journal.ts';
import { stateDir } from '../src/journal/state.ts';
import { statusLines, statusOf } from '../src/journal/status.ts';

export default class ResumeCommand extends BaseCommand {
	static override summary = 'Go on with a run, from wherever it stands.';
	static override args = {
		run: Args.string({ ...typed, description: 'a run, or a host; none = the newest run, or the one that holds this machine' }),
	};
	static override flags = { ...hostFlags, ...runFlags };
	static override description = [
		'Every step is held against the record on the host, the journal and its own test (bsdup status --explain shows how).',
		'Where this machine knows no unfinished run of the host, the plan that lies on the host is taken over.',
	].join(' ');
	static override examples = [
		'<%= config.bin %> <%= command.id %>',
		'<%= config.bin %> <%= command.id %> root@db1',
		'<%= config.bin %> <%= command.id %> root@db1 --identity ~/.ssh/id_db1 --yes   # begun on another machine, which is lost',
	];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(ResumeCommand);
		const { folder, takenOver, done } = await findRunToResume(args.run, flags);
		const { plan } = folder;
		if (done && plan.onward === undefined) {
			const status = statusOf(plan, readJournal(folder.journal).entries);
			for (const line of statusLines(plan, status)) this.log(line);
			return status;
		}
		const carried = done ? EXIT.done : await carry(folder, { ...flags, 'take-over': flags['take-over'] || takenOver }, this.jsonEnabled());
		const warn = (text: string): void => this.logToStderr(text);
		const going = { flags, state: stateDir(flags.state), root: this.config.root, json: this.jsonEnabled(), warn };
		process.exitCode = carried === EXIT.done ? await goOnward(folder, going) : carried;
		return undefined;
	}
}
