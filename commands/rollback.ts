import { Flags } from '@oclif/core';
import { newestRunArg } from '../src/cli/args.ts';
import { BaseCommand } from '../src/cli/base-command.ts';
import { carry } from '../src/cli/carry.ts';
import { findRun, withFlags } from '../src/cli/find-run.ts';
import { hostFlags } from '../src/cli/open-host.ts';
import { runFlags } from '../src/cli/run-flags.ts';
import { isDone, noReturn, takenBack } from '../src/journal/decide.ts';
import { readJournal } from '../src/journal/journal.ts';
import { undoSteps, undoText } from '../src/plan/undo.ts';
import { rollback } from '../src/run/rollback.ts';
import { atItsEnd, pastReturn } from '../src/run/take-refused.ts';

/** What only the host knows, which a dry run does not ask. */
const MAY_BE_PASSED =
	'The danger zone was begun: once it has changed anything, bsdup rollback refuses, and changes nothing. The host alone can tell.';

export default class RollbackCommand extends BaseCommand {
	static override summary = 'Take back what a run has done, until its point of no return or, where it has none, its end.';
	static override description =
		'What was begun is undone, last things first, and proven; then the host is free, and the run is over. Cut anywhere, it is run again. After the point of no return, and at the end of the run, it refuses, and nothing is changed. On the host itself, without bsdup: sh /var/db/bsdup/run-.../resume.sh rollback';
	static override args = { run: newestRunArg };
	static override flags = {
		...hostFlags,
		patience: runFlags.patience,
		'take-over': runFlags['take-over'],
		state: runFlags.state,
		'dry-run': Flags.boolean({ default: false, description: 'print what would undo each step, and stop; touches no host' }),
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %> root@db1 --dry-run',
		'<%= config.bin %> <%= command.id %> root@db1',
		'<%= config.bin %> <%= command.id %> run-20261123220737-db1',
	];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(RollbackCommand);
		const folder = withFlags(findRun(flags.state, args.run), flags);
		const { entries } = readJournal(folder.journal);
		if (isDone(entries)) throw atItsEnd(folder.plan);
		if (flags['dry-run']) {
			const far = noReturn(folder.plan, entries);
			if (far === 'passed') throw pastReturn(folder.plan);
			if (takenBack(entries) === 'wholly') {
				this.log(`${folder.run} was taken back; nothing is left to undo.`);
				return { undo: [], warnings: [] };
			}
			const warnings = far === 'begun' ? [MAY_BE_PASSED] : [];
			for (const text of warnings) this.log(`${text}\n`);
			this.log(undoText(folder.plan));
			return { undo: undoSteps(folder.plan).map(({ id, commands }) => ({ id, commands })), warnings };
		}
		process.exitCode = await carry(folder, { ...flags, yes: true, 'pause-at-reboot': false }, this.jsonEnabled(), rollback, 'rollback');
		return undefined;
	}
}
