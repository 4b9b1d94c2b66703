import { BsdupError } from '../errors.ts';
import { noReturn } from '../journal/decide.ts';
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
	const goesBack = undoneStep(step.id) !== step.id;
	const mayGoBack = context.plan.target !== null && noReturn(context.plan, context.journal.entries) === undefined;
	return new BsdupError({
		code: 'E_STEP',
		message: `${step.id}: ${what}${tail === '' ? '' : `\n${tail}`}`,
		state,
		next: [
			`bsdup ${goesBack ? 'rollback' : 'resume'} ${context.plan.run}`,
			// What can still be taken back may not be worth a second try.
			...(mayGoBack && !goesBack ? [`bsdup rollback ${context.plan.run}   (takes back what was done so far)`] : []),
			`look at ${context.plan.dir}/jobs/${step.id} on the host`,
			...(step.danger === 'no-return' ? [context.plan.recovery] : []),
		],
	});
}
