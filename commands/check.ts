import { Args } from '@oclif/core';
import { BaseCommand } from '../src/cli/base-command.ts';
import { makePlan } from '../src/cli/make-plan.ts';
import { hostFlags, openHost } from '../src/cli/open-host.ts';
import { planFlags } from '../src/cli/plan-flags.ts';
import { liveFindings } from '../src/run/live-findings.ts';

export default class CheckCommand extends BaseCommand {
	static override summary = 'Look for everything likely to fail, all at once; change nothing.';
	static override args = { host: Args.string({ description: '[user@]name[:port]; none = this machine' }) };
	static override flags = { ...hostFlags, ...planFlags };
	static override examples = ['<%= config.bin %> <%= command.id %> root@db1 --to 7.8 --backup-to /mnt'];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(CheckCommand);
		const transport = await openHost(args.host, flags);
		try {
			const { plan, findings } = await makePlan(flags, transport, this.config.root);
			const all = [...findings, ...(await liveFindings(plan, transport))];
			for (const { id, says, fix } of all) this.log(`${id}: ${says}\n  ${fix}`);
			this.log(all.length === 0 ? `nothing speaks against going to ${plan.target.version}` : `${all.length} to mend first`);
			if (all.length > 0) process.exitCode = 1;
			return { findings: all };
		} finally {
			await transport.close();
		}
	}
}
