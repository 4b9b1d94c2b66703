import type { Plan, Step } from '../plan/plan.ts';
import { cleanLine } from '../report/clean.ts';
import { decide, takenBack } from './decide.ts';
import type { Entry } from './line.ts';
import { statusOf } from './status.ts';

/** What is known of a step, from where, and what a resume will do with it. */
export interface Explanation {
	id: string;
	title: string;
	known: string;
	from: string;
	resume: string;
}

/** What a resume does once the run goes back (E_ROLLED_BACK), or is done, whatever is left of its record. */
const OVER = {
	partly: 'refuses, the run is being taken back; bsdup rollback ends that',
	wholly: 'refuses, the run was taken back',
	done: 'does nothing, the run is done',
};

type StepEntry = Extract<Entry, { kind: 'step' }>;

/** Explains every step by the journal alone; the resume itself asks the host first, and then decides by the same function. */
export function explain(plan: Plan, entries: readonly Entry[]): Explanation[] {
	const over = takenBack(entries) ?? (statusOf(plan, entries).state === 'done' ? 'done' : undefined);
	return plan.steps.map((step) => {
		const line = entries.findLastIndex((entry) => entry.kind === 'step' && entry.id === step.id);
		const entry = entries[line] as StepEntry | undefined;
		return {
			id: step.id,
			title: step.title,
			known: entry === undefined ? 'nothing was begun' : saidBy(entry),
			from: line < 0 ? 'the journal, which holds no line of it' : `the journal, line ${line + 1}`,
			resume: over === undefined ? resumeOf(step, entry, newestAttempt(entries, step.id)) : OVER[over],
		};
	});
}

/** One screen for people. */
export function explainLines(plan: Plan, explanations: readonly Explanation[]): string[] {
	const lines = explanations.flatMap(({ id, title, known, from, resume }) => [
		`${id.padEnd(16)} ${title}`,
		`  known:  ${known}`,
		`  from:   ${from}`,
		`  resume: ${resume}`,
	]);
	return [plan.title, `run ${plan.run}, as the journal says; a resume asks the host first`, ...lines].map(cleanLine);
}

function saidBy({ status, attempt, t, detail }: StepEntry): string {
	const words = { running: 'was begun', done: 'is done', already: 'was done already', failed: 'failed', waiting: 'waits' };
	const word = { ...words, undone: 'was taken back' }[status];
	const at = new Date(t).toISOString().replace(/\.\d+Z$/, 'Z');
	return `${word}, ${at}${attempt === 0 ? '' : `, attempt ${attempt}`}${detail === '' ? '' : `: ${detail.split('\n')[0]}`}`;
}

/** A line that tells an end does not always tell the attempt that ended: the highest one that was begun is meant. */
function newestAttempt(entries: readonly Entry[], id: string): number {
	return Math.max(0, ...entries.map((entry) => (entry.kind === 'step' && entry.id === id ? entry.attempt : 0)));
}

function resumeOf(step: Step, entry: StepEntry | undefined, attempt: number): string {
	if (entry === undefined) return decide(step, { attempt, state: 'none' }, false).says;
	const { status } = entry;
	const when = (state: 'ok' | 'running' | 'lost' | 'none' | 'failed', done = false): string => decide(step, { attempt, state }, done).says;
	switch (status) {
		case 'undone':
			return OVER.partly;
		case 'done':
		case 'already':
			return `${when('ok')} if the host's record says the same; if that is gone, ${when('none', true)}`;
		case 'failed':
			return when('failed');
		case 'running':
		case 'waiting':
			if (['fetch', 'confirm', 'stream'].includes(step.kind)) return when('none');
			return `asks the host: runs it, ${when('running')}; has it ended well, ${when('ok')}; was it cut, ${when('lost')}`;
	}
}
