import { BsdupError } from '../errors.ts';
import type { Plan } from '../plan/plan.ts';

/** A mirror in the middle of an update may move more than once. */
const MOVES = 3;

/**
 * Carries a plan; a snapshot that moves before its sets are there costs a new plan, not a new run, so that what is done stays done.
 * `again` makes a plan for the run named. Returns what `carry` does; throws what it throws, E_SNAPSHOT_MOVED after the third time.
 */
export async function carryMoving(
	first: Plan,
	carry: (plan: Plan) => Promise<number>,
	again: (run: string) => Promise<Plan>,
	warn: (text: string) => void,
): Promise<number> {
	let plan = first;
	for (let moves = 0; ; moves++) {
		try {
			return await carry(plan);
		} catch (error) {
			if (!(error instanceof BsdupError) || error.code !== 'E_SNAPSHOT_MOVED' || moves === MOVES) throw error;
			warn(`bsdup: ${error.message}\n  ${plan.run} goes on with a plan for the new one`);
		}
		plan = await again(plan.run);
	}
}
