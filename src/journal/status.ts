import type { Plan } from '../plan/plan.ts';
import type { Entry } from './journal.ts';

/** Where a run stands, by the journal. */
export interface RunStatus {
	run: string;
	state: 'begun' | 'done' | 'failed' | 'waiting' | 'interrupted';
	steps: { id: string; title: string; status: string }[];
	/** The first step that is not done, or null. */
	next: string | null;
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
	const next = steps.find(({ status }) => status !== 'done' && status !== 'already');
	return { run: plan.run, state, steps, next: next?.id ?? null };
}

/** One screen for people. */
export function statusLines(plan: Plan, status: RunStatus): string[] {
	const lines = status.steps.map(
		({ id, title, status: word }) => `${(word === 'already' ? 'done' : word).padEnd(8)} ${id.padEnd(16)} ${title}`,
	);
	const again =
		status.state === 'done' ? 'Nothing is left to do.' : `Next: ${status.next ?? 'the end'}. To go on: bsdup resume ${plan.run}`;
	return [plan.title, `run ${plan.run}: ${status.state}`, ...lines, again];
}
