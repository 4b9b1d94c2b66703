import { writeFileSync } from 'node:fs';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../src/cli/base-command.ts';
import { makePlan } from '../src/cli/make-plan.ts';
import { hostFlags, openHost } from '../src/cli/open-host.ts';
import { planFlags } from '../src/cli/plan-flags.ts';
import { planOrRefuse } from '../src/cli/plan-or-refuse.ts';
import { renderScript } from '../src/host/script.ts';
import { planText } from '../src/plan/text.ts';
import { cleanText } from '../src/report/clean.ts';

export default class PlanCommand extends BaseCommand {
	static override summary = 'Show every step and command of an upgrade; change nothing.';
	static override args = { host: Args.string({ description: '[user@]name[:port]; none = this machine' }) };
	static override flags = {
		...hostFlags,
		...planFlags,
		facts: Flags.string({ description: 'facts gathered earlier (bsdup facts --json), instead of asking the host', helpValue: 'FILE' }),
		format: Flags.option({
			options: ['text', 'json', 'sh'] as const,
			description: 'for people, for upgrade --plan, or as a script for the host',
			default: 'text' as const,
		})(),
		out: Flags.string({ description: 'write it to a file instead', helpValue: 'FILE' }),
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %> root@db1 --to 7.8 --backup-to /mnt',
		'<%= config.bin %> <%= command.id %> --facts db1.json --to snapshot --no-backup --format sh --out resume.sh',
	];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(PlanCommand);
		const transport = flags.facts === undefined ? await openHost(args.host, flags) : undefined;
		try {
			const made = await makePlan(flags, transport, this.config.root);
			const plan = await planOrRefuse(made, transport, (text) => this.logToStderr(text));
			const format = this.jsonEnabled() ? 'json' : flags.format;
			const text = {
				text: () => cleanText(planText(plan)),
				json: () => `${JSON.stringify(plan, null, '\t')}\n`,
				sh: () => renderScript(plan),
			}[format]();
			if (flags.out === undefined) process.stdout.write(this.jsonEnabled() ? '' : text);
			else writeFileSync(flags.out, text, { mode: 0o600 });
			return plan;
		} finally {
			await transport?.close();
		}
	}
}
