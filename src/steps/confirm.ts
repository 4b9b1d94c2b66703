import { BsdupError } from '../errors.ts';
import type { Step } from '../plan/plan.ts';
import type { StepContext, StepOutcome } from './context.ts';

/** Asks before what cannot be taken back, with the way back by hand on the screen; the answer is recorded on the host, so that it is asked once in a run. */
export async function runConfirm(step: Step, context: StepContext): Promise<StepOutcome> {
	const { stdout } = await context.link.run(step.commands.join('\n'));
	if (!(await context.confirm([...stdout.trimEnd().split('\n'), ...context.plan.recovery.trimEnd().split('\n')]))) {
		throw new BsdupError({
			code: 'E_NOT_CONFIRMED',
			message: 'not confirmed',
			state: 'Nothing that cannot be taken back was done; what the steps before it did stays meanwhile, services that were stopped too.',
			next: [
				`bsdup resume ${context.plan.run}   (asks again; --yes confirms in advance)`,
				`bsdup rollback ${context.plan.run}   (takes back what was done so far)`,
			],
		});
	}
	await context.host.consented(step.id);
	return 'done';
}
