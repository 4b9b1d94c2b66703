import { BsdupError, NOTHING_CHANGED } from '../errors.ts';
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

/**
 * What a step met that knows nothing of the run, as a disk of this machine that is full: told with the ways on. The plan holds what was asked
 * for, and the host is kept for it, so that the same command again with another flag would be refused.
 */
export function keepsHost(error: BsdupError, { plan, journal }: StepContext): BsdupError {
	const free = plan.target === null || error.code === 'E_SNAPSHOT_MOVED';
	if (free || error.next.some((line) => /\bbsdup (?:resume|rollback)\b/.test(line))) return error;
	const { code, message, exit, next } = error;
	const ways = [
		`bsdup resume ${plan.run}   (once that is mended)`,
		...(noReturn(plan, journal.entries) === undefined
			? [`bsdup rollback ${plan.run}   (takes it back, for an upgrade with other flags)`]
			: []),
	];
	const kept = 'The system is as the steps before this one left it; the run keeps the host.';
	const state = error.state === NOTHING_CHANGED ? kept : error.state;
	return new BsdupError({ ...{ code, message, state, exit, cause: error }, next: [...next, ...ways] });
}
