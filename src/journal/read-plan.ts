import { readFileSync } from 'node:fs';
import { BsdupError, EXIT } from '../errors.ts';
import { hashOf } from '../plan/build.ts';
import { Plan } from '../plan/plan.ts';

const MAKE = 'bsdup plan HOST --to TARGET --format json --out FILE';

/** Reads a person's plan file and checks its hash. Throws E_PLAN_FORMAT, E_PLAN_EDITED or E_PLAN_VERSION. */
export function readPlan(file: string): Plan {
	let text: string;
	try {
		text = readFileSync(file, 'utf8');
	} catch (cause) {
		throw noPlan(file, MAKE, cause);
	}
	return parsePlan(text, file);
}

/**
 * The same from text; `from` names it in errors, `again` is how a good one is come by. Throws E_PLAN_FORMAT, E_PLAN_EDITED, and
 * E_PLAN_VERSION for one of a bsdup whose plans hold other things.
 */
export function parsePlan(text: string, from: string, again = `make it again: ${MAKE}`): Plan {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (cause) {
		throw noPlan(from, again, cause);
	}
	const { success, data, error } = Plan.safeParse(json);
	if (success && fits(data)) return data;
	// Looked at before the hash of what is known here: that is another where only some of the words are.
	if (isNewer(json) || fits(json)) throw otherVersion(from);
	throw success ? edited(from, again) : noPlan(from, again, error);
}

const FORMAT = Plan.shape.format.value;

function isNewer(json: unknown): boolean {
	const format = (json as { format?: unknown } | null)?.format;
	return typeof format === 'number' && format > FORMAT;
}

/** Does it hold the hash of all that it says? */
function fits(json: unknown): boolean {
	if (typeof json !== 'object' || json === null) return false;
	const { hash, ...rest } = json as Plan;
	try {
		return hash === hashOf(rest);
	} catch {
		return false; // nested deeper than the stack
	}
}

function otherVersion(from: string): BsdupError {
	return new BsdupError({
		code: 'E_PLAN_VERSION',
		message: `${from} is not a plan of this version of bsdup, another has made it`,
		next: ['use the bsdup that made it, or a newer one'],
		exit: EXIT.usage,
	});
}

function edited(from: string, again: string): BsdupError {
	return new BsdupError({
		code: 'E_PLAN_EDITED',
		message: `${from} was changed after it was made (its hash does not fit)`,
		next: [again],
		exit: EXIT.usage,
	});
}

function noPlan(from: string, again: string, cause: unknown): BsdupError {
	return new BsdupError({ code: 'E_PLAN_FORMAT', message: `${from} is not a plan`, next: [again], exit: EXIT.usage, cause });
}
