import { Flags } from '@oclif/core';
import { hostArg } from '../src/cli/args.ts';
import { BaseCommand } from '../src/cli/base-command.ts';
import { makePlan } from '../src/cli/make-plan.ts';
import { hostFlags, openHost } from '../src/cli/open-host.ts';
import { planFlags } from '../src/cli/plan-flags.ts';
import { planOrRefuse } from '../src/cli/plan-or-refuse.ts';
import { showFlags, showPlan } from '../src/cli/show-plan.ts';

export default class PlanCommand extends BaseCommand {
	static override summary = 'Show every step and command of an upgrade; change nothing.';
	static override args = { host: hostArg };
	static override flags = {
		...hostFlags,
		...planFlags,
		facts: Flags.string({ description: 'facts gathered earlier (bsdup facts --json), instead of asking the host', helpValue: 'FILE' }),
		...showFlags,
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %> root@db1 --to 7.8 --backup-to /mnt',
		'<%= config.bin %> <%= command.id %> root@db1 --to 7.8 --no-backup --mirror https://near.example.org/pub --mirror ftp://far.example.org/pub',
		'<%= config.bin %> <%= command.id %> root@web1 --to 15.0-RELEASE --no-backup --health "service nginx status"',
		'<%= config.bin %> <%= command.id %> --facts db1.json --to snapshot --no-backup --format sh --out resume.sh',
	];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(PlanCommand);
		const transport = flags.facts === undefined ? await openHost(args.host, flags) : undefined;
		try {
			const made = await makePlan(flags, transport, this.config.root);
			const plan = await planOrRefuse(made, transport, (text) => this.logToStderr(text));
			return showPlan(plan, flags, this.jsonEnabled());
		} finally {
			await transport?.close();
		}
	}
}
