import { Flags } from '@oclif/core';
import { hostArg } from '../src/cli/args.ts';
import { BaseCommand } from '../src/cli/base-command.ts';
import { carry, requireSomebody } from '../src/cli/carry.ts';
import { carryMoving } from '../src/cli/carry-moving.ts';
import { goOnward } from '../src/cli/go-onward.ts';
import { hostFlags, keptHostFlags } from '../src/cli/open-host.ts';
import { planFlags, requirePlanAlone } from '../src/cli/plan-flags.ts';
import { planOnHost } from '../src/cli/plan-on-host.ts';
import { runFlags, VERDICTS } from '../src/cli/run-flags.ts';
import { EXIT } from '../src/errors.ts';
import { readPlan } from '../src/journal/read-plan.ts';
import { createRun, stateDir } from '../src/journal/state.ts';
import type { Plan } from '../src/plan/plan.ts';
import { planText } from '../src/plan/text.ts';

export default class UpgradeCommand extends BaseCommand {
	static override summary = 'Upgrade a host from start to finish.';
	static override description = VERDICTS;
	static override args = { host: hostArg };
	static override flags = {
		...hostFlags,
		...planFlags,
		...runFlags,
		plan: Flags.string({ description: 'run this plan (bsdup plan --format json)', helpValue: 'FILE', exclusive: ['to'] }),
		'dry-run': Flags.boolean({ default: false, description: 'print the plan and stop' }),
	};
	static override examples = [
		'<%= config.bin %> <%= command.id %> root@db1 --to 7.8 --backup-to /mnt --dry-run',
		'<%= config.bin %> <%= command.id %> root@db1 --to 7.8 --backup-to /mnt --fetch-on host',
		'<%= config.bin %> <%= command.id %> root@db1 --to 7.9 --method in-place --no-backup   # from 7.7: by 7.8, each proven',
		'<%= config.bin %> <%= command.id %> root@db1 --to snapshot --no-backup --unattended --yes',
		'<%= config.bin %> <%= command.id %> db1 --to 7.8 --backup-to /mnt --patience 90m   # db1 is in the config file',
	];

	readonly #warn = (text: string): void => this.logToStderr(text);

	async run(): Promise<unknown> {
		const { args, flags, metadata } = await this.parse(UpgradeCommand);
		if (flags.plan !== undefined) requirePlanAlone(flags, (name) => metadata.flags[name]?.setFromDefault === true);
		if (!flags['dry-run']) requireSomebody(flags);
		const given = flags.plan === undefined ? undefined : readPlan(flags.plan);
		const plan = await planOnHost(given, args.host, flags, this.config.root, this.#warn);
		if (flags['dry-run']) {
			this.log(planText(plan));
			return plan;
		}
		const kept = { host: args.host ?? null, flags: keptHostFlags(flags) };
		const going = { flags, state: stateDir(flags.state), root: this.config.root, json: this.jsonEnabled(), warn: this.#warn };
		const again = (run: string): Promise<Plan> => planOnHost(undefined, args.host, { ...flags, run }, this.config.root, this.#warn);
		const carried = (one: Plan): Promise<number> => carry(createRun(going.state, one, kept.host, kept.flags), flags, going.json);
		const status = await (given === undefined ? carryMoving(plan, carried, again, this.#warn) : carried(plan));
		process.exitCode = status === EXIT.done ? await goOnward({ plan, ...kept }, going) : status;
		return undefined;
	}
}
