import { hostArg } from '../src/cli/args.ts';
import { BaseCommand } from '../src/cli/base-command.ts';
import { makePlan } from '../src/cli/make-plan.ts';
import { hostFlags, openHost } from '../src/cli/open-host.ts';
import { planFlags } from '../src/cli/plan-flags.ts';
import { BsdupError, EXIT } from '../src/errors.ts';
import { nothingToDo, refusing } from '../src/plan/finding.ts';
import { allFindings } from '../src/run/live-findings.ts';

export default class CheckCommand extends BaseCommand {
	static override summary = 'Look for everything likely to fail, all at once; change nothing.';
	static override args = { host: hostArg };
	static override flags = { ...hostFlags, ...planFlags };
	static override examples = ['<%= config.bin %> <%= command.id %> root@db1 --to 7.8 --backup-to /mnt'];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(CheckCommand);
		const transport = await openHost(args.host, flags);
		try {
			const made = await makePlan(flags, transport, this.config.root);
			const findings = await allFindings(made, transport);
			for (const { id, severity, says, fix } of findings) this.log(`${severity === 'warn' ? 'warning: ' : ''}${id}: ${says}\n  ${fix}`);
			const bad = refusing(findings).length;
			const to = made.plan instanceof BsdupError || made.plan.onward !== undefined ? flags.to : made.plan.target?.version;
			if (!(made.plan instanceof BsdupError) && made.plan.chosen !== undefined) this.log(made.plan.chosen);
			const done = nothingToDo(findings) !== undefined;
			this.log(done ? 'nothing is to be done' : bad === 0 ? `nothing speaks against going to ${to}` : `${bad} to mend first`);
			if (bad > 0 && !done) process.exitCode = EXIT.failed;
			return { findings };
		} finally {
			await transport.close();
		}
	}
}
