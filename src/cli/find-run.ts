import { BsdupError, EXIT } from '../errors.ts';
import { newestRun, openRun, type RunFolder, stateDir } from '../journal/state.ts';

/** Finds a run by its id, the newest of a host, or the newest of all. Throws E_RUN_UNKNOWN. */
export function findRun(stateFlag: string | undefined, which: string | undefined): RunFolder {
	const state = stateDir(stateFlag);
	if (which?.startsWith('run-')) return openRun(state, which);
	const folder = newestRun(state, (one) => which === undefined || one.host === which || one.plan.facts.host === which);
	if (folder !== undefined) return folder;
	throw new BsdupError({
		code: 'E_RUN_UNKNOWN',
		message: `no run${which === undefined ? '' : ` for ${which}`} in ${state}`,
		next: ['bsdup upgrade HOST --to TARGET'],
		exit: EXIT.usage,
	});
}
