import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../src/cli/base-command.ts';
import { carry, requireSomebody } from '../src/cli/carry.ts';
import { makePlan } from '../src/cli/make-plan.ts';
import { hostFlags, keptHostFlags, openHost } from '../src/cli/open-host.ts';
import { checkPlanFits } from '../src/cli/plan-fits.ts';
import { planFlags } from '../src/cli/plan-flags.ts';
import { planOrRefuse } from '../src/cli/plan-or-refuse.ts';
import { runFlags } from '../src/cli/run-flags.ts';
import { BsdupError } from '../src/errors.ts';
import { readPlan } from '../src/journal/read-plan.ts';
import { createRun, stateDir } from '../src/journal/state.ts';
import type { Plan } from '../src/plan/plan.ts';
import { planText } from '../src/plan/text.ts';

/** A mirror in the middle of an update may move more than once. */
const MOVES = 3;

type UpgradeFlags = Parameters<typeof makePlan>[0] &
	Parameters<typeof carry>[1] &
	Parameters<typeof openHost>[1] & { state?: string | undefined };

export default class UpgradeCommand extends BaseCommand {
	static override summary = 'Upgrade a host from start to finish.';
	static override args = { host: Args.string({ description: '[user@]name[:port]; none = this machine' }) };
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
		'<%= config.bin %> <%= command.id %> root@db1 --to snapshot --no-backup --unattended --yes',
	];

	async run(): Promise<unknown> {
		const { args, flags } = await this.parse(UpgradeCommand);
		if (!flags['dry-run']) requireSomebody(flags);
		const given = flags.plan === undefined ? undefined : readPlan(flags.plan);
		const transport = await openHost(args.host, flags);
		const plan = await this.#plan(given, flags, transport).finally(() => transport.close());
		if (flags['dry-run']) {
			this.log(planText(plan));
			return plan;
		}
		process.exitCode = await this.#carry(plan, args.host, flags, given === undefined);
		return undefined;
	}

	/** A snapshot that moves before the sets are there costs a new plan, not a new run: what is done stays done. */
	async #carry(first: Plan, host: string | undefined, flags: UpgradeFlags, mayMove: boolean): Promise<number> {
		let plan = first;
		for (let moves = 0; ; moves++) {
			const folder = createRun(stateDir(flags.state), plan, host ?? null, keptHostFlags(flags));
			try {
				return await carry(folder, flags, this.jsonEnabled());
			} catch (error) {
				if (!(error instanceof BsdupError) || error.code !== 'E_SNAPSHOT_MOVED' || !mayMove || moves === MOVES) throw error;
				this.logToStderr(`bsdup: ${error.message}\n  ${plan.run} goes on with a plan for the new one`);
			}
			const transport = await openHost(host, flags);
			plan = await this.#plan(undefined, { ...flags, run: plan.run }, transport).finally(() => transport.close());
		}
	}

	async #plan(given: Plan | undefined, flags: Parameters<typeof makePlan>[0], transport: NonNullable<Parameters<typeof makePlan>[1]>) {
		if (given !== undefined) return checkPlanFits(given, transport, this.config.root);
		const made = await makePlan(flags, transport, this.config.root);
		return planOrRefuse(made, transport, (text) => this.logToStderr(text));
	}
}
