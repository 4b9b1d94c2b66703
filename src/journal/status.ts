import type { Plan } from '../plan/plan.ts';
import { refusedFor } from './decide.ts';
import type { Entry } from './line.ts';
import { summaryLines } from './summary.ts';

/** Where a run stands, by the journal. */
export interface RunStatus {
	run: string;
	state: 'begun' | 'done' | 'failed' | 'waiting' | 'interrupted' | 'rolled-back';
	steps: { id: string; title: string; status: string }[];
	/** The first step that was begun and is not done, else the first to do; null when nothing is left. */
	next: string | null;
	/** How it ended: what a run that is done tells, or why one did nothing. */
	summary: string[];
}

/** Folds the entries into one status a step. */
export function statusOf(plan: Plan, entries: readonly Entry[]): RunStatus {
	const byStep = new Map<string, string>();
	let state: RunStatus['state'] = 'begun';
	for (const entry of entries) {
		if (entry.kind === 'begin') state = 'begun';
		if (entry.kind === 'end') state = entry.status;
		if (entry.kind === 'step') {
			byStep.set(entry.id, entry.status);
			if (entry.status === 'failed') state = 'failed';
		}
	}
	const steps = plan.steps.map(({ id, title }) => ({ id, title, status: byStep.get(id) ?? 'to do' }));
	const left = steps.filter(({ status }) => status !== 'done' && status !== 'already');
	const next = left.find(({ status }) => status !== 'to do') ?? left[0];
	return { run: plan.run, state, steps, next: next?.id ?? null, summary: endOf(plan, entries, state) };
}

function endOf(plan: Plan, entries: readonly Entry[], state: RunStatus['state']): string[] {
	if (state === 'done') return summaryLines(plan, entries);
	const holder = refusedFor(entries);
	return holder === undefined ? [] : [`It did nothing: the host was held by ${holder}.`];
}

/** One screen for people. `hop`: where the run after this one stands, once it was begun. */
export function statusLines(plan: Plan, status: RunStatus, hop?: Pick<RunStatus, 'run' | 'state'>): string[] {
	const lines = status.steps.map(
		({ id, title, status: word }) => `${(word === 'already' ? 'done' : word).padEnd(8)} ${id.padEnd(16)} ${title}`,
	);
	const goesBack = status.steps.some(({ status: word }) => word === 'undone');
	const onward = goesBack
		? `It is being taken back. To end that: bsdup rollback ${plan.run}`
		: `Next: ${status.next ?? 'the end'}. To go on: bsdup resume ${plan.run}`;
	const over = { done: afterIt(plan, hop), 'rolled-back': 'It was taken back. A new run: bsdup upgrade HOST --to TARGET' };
	const again = status.state in over ? over[status.state as keyof typeof over] : onward;
	return [plan.title, `run ${plan.run}: ${status.state}`, ...lines, ...status.summary, again];
}

function afterIt({ run, onward }: Plan, begun: Pick<RunStatus, 'run' | 'state'> | undefined): string {
	const [hop] = onward?.hops ?? [];
	if (hop === undefined) return 'Nothing is left to do.';
	if (begun !== undefined) return `The hop to ${hop.to} after it is ${begun.run}: ${begun.state}. To see that: bsdup status ${begun.run}`;
	return `After it comes the hop to ${hop.to}. To go on with that: bsdup resume ${run}`;
}
