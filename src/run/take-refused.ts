import { dirname } from 'node:path/posix';
import { BsdupError } from '../errors.ts';
import { heldBy } from '../journal/decide.ts';
import type { Plan } from '../plan/plan.ts';
import type { RunResult } from '../transport/transport.ts';

/**
 * Exit statuses of the verbs `hold` and `turn` (src/host/verbs.sh). carried: somebody else carries this run; held: another run
 * has the host; passed: the point of no return is behind it; turned: the run goes back; goneBack: it has gone back; ended: it is at its end.
 */
export const TAKE = { carried: 74, held: 75, passed: 76, turned: 77, goneBack: 78, ended: 79 } as const;

/** Why the host was not given, as an error; undefined where it was, or where the status says nothing of it. */
export function takeRefused({ code, stdout }: RunResult, plan: Plan, host: string): BsdupError | undefined {
	const told = stdout.trim();
	const holder = told.split(' ')[0] ?? 'RUN';
	const script = (run: string): string => `${dirname(plan.dir)}/${run}/resume.sh`;
	switch (code) {
		case TAKE.held:
			return new BsdupError({
				code: 'E_HOST_HELD',
				message: heldBy(host, told),
				state: 'Nothing was changed by this run.',
				next: [
					`bsdup resume ${holder}   (on the machine that began it: goes on with it)`,
					`bsdup rollback ${holder}   (there: takes it back)`,
					'bsdup resume HOST   (on another, where nobody carries it any more)',
					`sh ${script(holder)} status    (on the host: where that run stands)`,
					`sh ${script(holder)} release   (on the host: gives that run up)`,
				],
			});
		case TAKE.carried:
			return new BsdupError({
				code: 'E_RUN_CARRIED',
				message: `${plan.run} is carried by ${told}`,
				state: 'That one goes on; nothing was changed by this one.',
				next: [`bsdup status ${plan.run}`, `the same with --take-over   (when that bsdup has ended for good)`],
			});
		case TAKE.passed:
			return pastReturn(plan);
		case TAKE.ended:
			return atItsEnd(plan);
		case TAKE.turned:
			return rolledBack(plan, told);
		default:
			return undefined;
	}
}

/** E_NO_RETURN: the step that cannot be taken back has begun. */
export function pastReturn(plan: Plan): BsdupError {
	return new BsdupError({
		code: 'E_NO_RETURN',
		message: `${plan.run} cannot be taken back: the danger zone has begun, and the system may be changed`,
		state: 'The point of no return is passed; nothing was changed now.',
		next: [`bsdup resume ${plan.run}   (forward is the way)`, `bsdup status --recovery ${plan.run}   (on the host: ${plan.dir}/RECOVERY)`],
	});
}

/** E_RUN_ENDED: the run is done, and what it made is the host's own now, or the person's. */
export function atItsEnd(plan: Plan): BsdupError {
	return new BsdupError({
		code: 'E_RUN_ENDED',
		message: `${plan.run} is at its end, and is not taken back any more`,
		state: 'What the run made, a system or a backup, stays as it is; nothing was changed now.',
		next: [`bsdup status --recovery ${plan.run}   (how to get back by hand)`],
	});
}

/** E_ROLLED_BACK: the run goes back, or has gone back, and never goes forward again. */
export function rolledBack(plan: Plan, told: string): BsdupError {
	return new BsdupError({
		code: 'E_ROLLED_BACK',
		message: told,
		state: 'The system is as it was before the run, or becomes so again.',
		next: [`bsdup rollback ${plan.run}   (ends what was not ended)`, 'bsdup upgrade HOST --to TARGET   (a new run)'],
	});
}

/** E_RECORD_LOST: the journal tells of steps that are done, the host of none, so that nobody knows what is to be taken back. */
export function recordLost(plan: Plan): BsdupError {
	return new BsdupError({
		code: 'E_RECORD_LOST',
		message: `${plan.run} cannot be taken back: the host's record of it, ${plan.dir}/jobs, is gone`,
		state: 'What the run did is still there, unless the host was restored or installed anew; nothing was changed now.',
		next: [
			`bsdup resume ${plan.run}   (goes on: each step's own test tells whether it is done)`,
			`bsdup status --recovery ${plan.run}   (how to get back by hand)`,
			`sh ${plan.dir}/resume.sh release   (on the host: gives the run up, where nothing of it is left)`,
		],
	});
}
