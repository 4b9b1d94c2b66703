import type { Step } from '../plan/plan.ts';
import type { StepContext, StepOutcome } from './context.ts';
import { stepFailed } from './failure.ts';

/** to come */
export async function runStream(step: Step, context: StepContext): Promise<StepOutcome> {
	throw stepFailed(context, step, 'not yet');
}
