import type { Plan, Step } from './plan.ts';

/** The end of the id of the job that takes a step back; a step's own id has no dot. */
const UNDO = '.undo';

/**
 * The jobs that take a plan's steps back, in order: each step before those that it needed. Each is a step like any other, so that it
 * is detached, followed, recorded and proven as one; it is due only where its step was begun.
 */
export function undoSteps(plan: Pick<Plan, 'steps'>): Step[] {
	return plan.steps
		.filter((step) => step.undo !== '')
		.reverse()
		.map(({ id, title, undo, undone = '', undoReboots = false, timeout }) => ({
			...{ id: `${id}${UNDO}`, title: `take back: ${title}`, kind: 'host', needs: [], commands: undo.split('\n') },
			...{ done: undone, proof: undone, undo: '', undoReboots, measure: '', timeout, attempts: 1, danger: 'disruptive', attended: false },
		}));
}

/** The id of the step that an undo job takes back; of another step, its own. */
export function undoneStep(id: string): string {
	return id.endsWith(UNDO) ? id.slice(0, -UNDO.length) : id;
}

/** What `bsdup rollback` would do, for people: the undo commands in their order, the same strings that run, then what stays. */
export function undoText(plan: Plan): string {
	const jobs = undoSteps(plan).map(({ id, commands, done }) => [
		`${undoneStep(id)}:`,
		...commands.map((line) => `     ${line}`),
		...done.split('\n').flatMap((line) => (line === '' ? [] : [`   undone if: ${line}`])),
	]);
	const stays = plan.steps.flatMap(({ id, stays = '' }) => (stays === '' ? [] : [`   ${id}: ${stays}`]));
	return [...jobs, ['What stays of the others:', ...stays]].map((lines) => lines.join('\n')).join('\n\n');
}
