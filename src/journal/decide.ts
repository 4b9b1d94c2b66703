import type { Plan, Step } from '../plan/plan.ts';
import type { Entry } from './line.ts';

/** What is known of a step's newest attempt, as the host's record tells it. */
export interface Known {
	attempt: number;
	/** lost: it ended without a status. */
	state: 'none' | 'running' | 'ok' | 'already' | 'failed' | 'lost';
}

/** What a resume does with a step. */
export interface Decision {
	/**
	 * skip: it is done · follow: it runs · trust: done by the journal alone, so its proof decides · test: its own test decides
	 * · fetch: the hashes decide · ask: a person decides · begin: the next attempt
	 */
	act: 'skip' | 'follow' | 'trust' | 'test' | 'fetch' | 'ask' | 'begin';
	/** The same for people, as the end of "resume …". */
	says: string;
}

/**
 * The one place where the host's record, the journal and the step's own test are weighed. The host's record comes first: it is written
 * where the act is. Where it is gone or tells no end, the step's test decides; where there is none that can be asked, the journal's word
 * does for a step that must not act twice, since it was written after the act was on the host's disk. What only looks may act again where
 * nothing of it is left; where its attempt is there and just the status was lost, as in a power cut right behind it, later steps may have
 * changed since what it looked at.
 */
export function decide(step: Step, known: Known, journalDone: boolean): Decision {
	const next = `begins attempt ${known.attempt + 1}`;
	if (known.state === 'ok' || known.state === 'already') return { act: 'skip', says: 'skips it' };
	if (known.state === 'running') return { act: 'follow', says: `follows attempt ${known.attempt} to its end; nothing is begun twice` };
	if (step.kind === 'fetch') return { act: 'fetch', says: 'compares the hashes on the host and brings only what is missing' };
	if (step.kind === 'confirm') return { act: 'ask', says: 'asks for a yes (--yes gives it)' };
	if (step.kind === 'stream') return { act: 'begin', says: 'begins the archive anew, unless it is whole on this machine' };
	// A zone's test can only be asked after its reboot, which the host's record alone can tell.
	const testable = step.kind === 'host' ? step.done !== '' : known.state !== 'none';
	if (!testable && journalDone && (step.danger !== 'none' || known.state === 'lost')) {
		const unless = step.proof === '' ? '' : `, if its proof holds; else ${next}`;
		return { act: 'trust', says: `takes the journal's word for it, since the host's record is gone${unless}` };
	}
	if (!testable) return { act: 'begin', says: next };
	const test = step.kind === 'host' ? 'tries its own test' : 'compares boot time and marker, then its own test';
	return { act: 'test', says: `${test}; only if that fails, ${next}` };
}

/**
 * How far a run was taken back, by the journal: `partly` when a step was, `wholly` when the rollback ended; undefined when nothing
 * of it is recorded. A run that goes back never goes forward again, so either refuses a resume. Where the rollback began but
 * recorded nothing yet, the host's record refuses (E_ROLLED_BACK).
 */
export function takenBack(entries: readonly Entry[]): 'partly' | 'wholly' | undefined {
	if (entries.some((entry) => entry.kind === 'end' && entry.status === 'rolled-back')) return 'wholly';
	return entries.some((entry) => entry.kind === 'step' && entry.status === 'undone') ? 'partly' : undefined;
}

/**
 * Is the run at its end, by the journal? Carried once more it still is, as long as no step had to act again: then the host was another than
 * the one it left, and alone can tell.
 */
export function isDone(entries: readonly Entry[]): boolean {
	const end = entries.findLastIndex((entry) => entry.kind === 'end' && entry.status === 'done');
	if (end < 0 || takenBack(entries) !== undefined) return false;
	return !entries.slice(end).some((entry) => entry.kind === 'step' && entry.status !== 'already');
}

/**
 * How far a run is past its point of no return, by the journal: `passed` when a step of no return is done, `begun` when one was begun,
 * of which the host alone can tell whether it changed anything; undefined when none was, or the run goes back already.
 */
export function noReturn({ steps }: Pick<Plan, 'steps'>, entries: readonly Entry[]): 'passed' | 'begun' | undefined {
	if (takenBack(entries) !== undefined) return undefined;
	const ids = steps.filter(({ danger }) => danger === 'no-return').map(({ id }) => id);
	if (ids.some((id) => journalDone(entries, id))) return 'passed';
	return entries.some((entry) => entry.kind === 'step' && ids.includes(entry.id)) ? 'begun' : undefined;
}

/** What is told, and recorded, where another run has the host. */
export function heldBy(host: string, holder: string): string {
	return `${host} is held by ${holder}`;
}

/** The run that had the host the last time this one asked for it, where this one has never done anything; else undefined. */
export function refusedFor(entries: readonly Entry[]): string | undefined {
	const last = entries.at(-1);
	if (last?.kind !== 'end' || last.status !== 'failed' || entries.some(({ kind }) => kind === 'step')) return undefined;
	return / is held by (run-[a-z0-9-]+)/.exec(last.detail)?.[1];
}

/** Does the journal's last word on a step say that it is done? */
export function journalDone(entries: readonly Entry[], id: string): boolean {
	const last = entries.findLast((entry) => entry.kind === 'step' && entry.id === id);
	return last?.kind === 'step' && (last.status === 'done' || last.status === 'already');
}
