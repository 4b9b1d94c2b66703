import { readFileSync } from 'node:fs';
import { BsdupError, EXIT } from '../errors.ts';
import { hashOf } from '../plan/build.ts';
import { Plan } from '../plan/plan.ts';

const MAKE = 'bsdup plan HOST --to TARGET --format json --out FILE';

/** Reads a person's plan file and checks its hash. Throws E_PLAN_FORMAT or E_PLAN_EDITED. */
export function readPlan(file: string): Plan {
	let text: string;
	try {
		text = readFileSync(file, 'utf8');
	} catch (cause) {
		throw noPlan(file, MAKE, cause);
	}
	return parsePlan(text, file);
}

/** The same from text; `from` names it in errors, `again` is how a good one is come by. Throws E_PLAN_FORMAT or E_PLAN_EDITED. */
export function parsePlan(text: string, from: string, again = `make it again: ${MAKE}`): Plan {
	let plan: Plan;
	try {
		plan = Plan.parse(JSON.parse(text));
	} catch (cause) {
		throw noPlan(from, again, cause);
	}
	const { hash, ...rest } = plan;
	if (hash === hashOf(rest)) return plan;
	throw new BsdupError({
		code: 'E_PLAN_EDITED',
		message: `${from} was changed after it was made (its hash does not fit)`,
		next: [again],
		exit: EXIT.usage,
	});
}

function noPlan(from: string, again: string, cause: unknown): BsdupError {
	return new BsdupError({ code: 'E_PLAN_FORMAT', message: `${from} is not a plan`, next: [again], exit: EXIT.usage, cause });
}
