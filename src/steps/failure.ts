import { BsdupError } from '../errors.ts';
import type { Step } from '../plan/plan.ts';
import { undoneStep } from '../plan/undo.ts';
import type { StepContext } from './context.ts';

/** The error of a step that did not work, with the state of the host and the way on. */
export function stepFailed(context: StepContext, step: Step, what: string, tail = ''): BsdupError {
	const state = {
		none: 'Nothing of the system was changed by this step.',
		disruptive: 'The host runs; this step was not finished.',
		'no-return': 'The kernel may be new already. Do not reboot by hand before reading the recovery card.',
	}[step.danger];
	return new BsdupError({
		code: 'E_STEP',
		message: `${step.id}: ${what}${tail === '' ? '' : `\n${tail}`}`,
		state,
		next: [
			`bsdup ${undoneStep(step.id) === step.id ? 'resume' : 'rollback'} ${context.plan.run}`,
			// What reboots and can still be taken back may not be worth a second try.
			...(step.kind === 'zone' && step.danger !== 'no-return' ? [`bsdup rollback ${context.plan.run}`] : []),
			`look at ${context.plan.dir}/jobs/${step.id} on the host`,
			...(step.danger === 'no-return' ? [context.plan.recovery] : []),
		],
	});
}
