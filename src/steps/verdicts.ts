import { BsdupError } from '../errors.ts';
import type { Step } from '../plan/plan.ts';
import { inWords } from '../run/not-back.ts';
import type { StepContext } from './context.ts';

/** The verdict on a host that still answers from the boot before; `says`: why its record could not be asked, where it could not. */
export function neverRebooted(step: Step, { plan, rebootMs }: StepContext, says: string): BsdupError {
	return new BsdupError({
		code: 'E_NEVER_REBOOTED',
		message: `verdict: never rebooted, in ${inWords(rebootMs)}${says === '' ? '' : `; ${says}`}`,
		state:
			says === ''
				? 'The host answers, with the boot time of before: its shutdown hangs, or was never begun.'
				: 'The host answers, but its programs do not start, as under an old kernel with a new base: its shutdown hangs.',
		next: [
			`look at its console, and at ${plan.dir}/jobs/${step.id} on the host; then reboot it by hand`,
			`bsdup resume ${plan.run}   (waits again, and goes on)`,
			plan.recovery,
		],
	});
}

/** The same of a zone whose job runs yet, as on a slow disk whose connection was lost: a reboot by hand could be in the midst of its sets. */
export function stillAtWork(step: Step, { plan, rebootMs }: StepContext, attempt: number): BsdupError {
	return new BsdupError({
		code: 'E_NEVER_REBOOTED',
		message: `verdict: never rebooted, in ${inWords(rebootMs)}; ${step.id} still runs`,
		state:
			'The host answers, with the boot time of before: the step is still at work, or its shutdown hangs. Do not reboot it by hand while its log grows.',
		next: [
			`tail -f ${plan.dir}/jobs/${step.id}/${attempt}/log   (on the host: whether it grows)`,
			`bsdup resume ${plan.run}   (follows it, and waits again)`,
			'where its log grows no more: look at its console, then reboot it by hand',
			plan.recovery,
		],
	});
}

/** The verdict on a host that came back and does not run what was installed. A step that can be taken back leaves it untouched. */
export function oldSystem(step: Step, { plan }: StepContext): BsdupError {
	const changed = step.danger === 'no-return';
	return new BsdupError({
		code: 'E_OLD_SYSTEM',
		message: `${step.id}: verdict: rebooted, old system`,
		state: changed
			? 'The host answers with a later boot, but not with the kernel that was installed: another one was booted, or the new one was lost.'
			: 'The host runs the system it had; the new one was not booted, or did not prove itself and went back.',
		next: changed
			? ['reboot it, and let its loader take the usual kernel', `bsdup resume ${plan.run}   (proves it, and goes on)`, plan.recovery]
			: [`bsdup resume ${plan.run}   (boots the new one once more)`, `bsdup rollback ${plan.run}`],
	});
}
