import { setTimeout as sleep } from 'node:timers/promises';
import { BsdupError } from '../errors.ts';
import type { Step } from '../plan/plan.ts';
import { goOnAtConsole } from '../run/go-on.ts';
import { isPassing } from '../run/host-link.ts';
import { notBack } from '../run/not-back.ts';
import type { StepState } from '../run/step-state.ts';
import type { StepContext, StepOutcome } from './context.ts';
import { stepFailed } from './failure.ts';
import { neverRebooted, oldSystem, stillAtWork } from './verdicts.ts';

const LOOK_AGAIN_MS = 200;
const LOOK_LONGEST_MS = 2_000;
/** Refused logins that do not end the wait, and the pause after each, at most: some hosts keep out who fails often. */
const REFUSALS = 5;
const REFUSED_PAUSE_MS = 15_000;
const TAIL_LINES = 8;

/**
 * The zone and every reboot: the job is started once, followed through one channel that was open before it began
 * (nothing new may be started on the host meanwhile), then the host is waited for and gives its verdict.
 */
export async function runReboot(step: Step, context: StepContext, known: StepState): Promise<StepOutcome> {
	const { host, journal, transport } = context;
	let state = known;
	for (let tries = 0, begun = true; ; tries++) {
		const began = performance.now();
		if (state.state !== 'running') {
			const settled = await host.settled(step.id);
			if (settled !== 'left') return finish(step, context, settled, 'already');
			// At the console nobody was there to see as what it came back.
			const back = state.attempt === 0 || !(step.returned || transport.local) ? '' : await host.returned(step.id);
			if (back !== '' && !step.returned) throw oldSystem(step, context);
			if (back !== '') throw stepFailed(context, { ...step, danger: 'disruptive' }, `verdict: ${back}`);
			if (!begun && tries >= step.attempts) throw notBegun(step, context, state.attempt);
			if (tries >= step.attempts) throw await notDone(step, context, tries);
			state = { attempt: state.attempt + 1, state: 'running', rc: 0 };
			journal.append({ kind: 'step', id: step.id, status: 'running', attempt: state.attempt, detail: '' });
			// Said before: the reboot may leave no time to say it.
			if (transport.local) for (const text of goOnAtConsole(context.plan)) context.emit({ kind: 'notice', text });
			await followed('lead', step, context, state.attempt);
		} else await followed('follow', step, context, state.attempt);
		if (transport.local) {
			// Still here: either the machine is on its way down, or the job has failed and nothing comes.
			const { seen } = await look(step, context, state.attempt);
			if (seen !== undefined && seen.attempt < state.attempt) throw notBegun(step, context, seen.attempt);
			journal.append({ kind: 'step', id: step.id, status: 'waiting', attempt: state.attempt, detail: 'the reboot' });
			return 'waiting';
		}
		const { attempt } = state;
		state = await awaitReturn(step, context, attempt, began);
		begun = state.attempt >= attempt;
		const settled = await host.settled(step.id);
		if (settled !== 'left') {
			const outcome = finish(step, context, settled, 'done');
			return context.pauseAtReboot ? 'paused' : outcome;
		}
		if (!step.returned && tries + 1 < step.attempts)
			context.emit({ kind: 'notice', text: `${step.id}: the host is here and the step is not done; it is begun again` });
	}
}

/** What to tell where the host did not take the attempt after `last`, of which its own words were told as the log. */
function notBegun(step: Step, context: StepContext, last: number): BsdupError {
	return stepFailed(context, last === 0 ? { ...step, danger: 'none' } : step, `attempt ${last + 1} could not be begun`);
}

/** What to tell of a host that came back as often as it may without what the step is for. */
async function notDone(step: Step, context: StepContext, tries: number): Promise<BsdupError> {
	const old = step.proof !== '' && !(await context.host.proven(step.id));
	return old ? oldSystem(step, context) : stepFailed(context, step, `not done after ${tries} attempts`);
}

/** Follows until the connection ends, which is what a reboot looks like (F:H), or until the job has failed. */
async function followed(verb: 'lead' | 'follow', step: Step, context: StepContext, attempt: number): Promise<void> {
	await context.host.follow(verb, step, attempt, timeLimit(step, context), say(step, context), context.signal).catch((error: unknown) => {
		if (context.signal.aborted || !isPassing(error)) throw error;
	});
}

/** A zone works for as long as its sets are large; all of a reboot step is waiting for the reboot. Milliseconds. */
function timeLimit(step: Step, context: StepContext): number {
	return step.kind === 'reboot' ? Math.min(step.timeout * 1000, context.rebootMs) : step.timeout * 1000;
}

function say(step: Step, context: StepContext): (text: string) => void {
	let rest = '';
	return (text) => {
		const lines = (rest + text).split('\n');
		rest = lines.pop() ?? '';
		for (const line of lines) context.emit({ kind: 'log', id: step.id, line });
	};
}

/**
 * Waits until the host answers with a later boot, or tells that `attempt` never began. The verdicts that are failures are
 * errors with what to do. `began`: when the following did.
 */
async function awaitReturn(step: Step, context: StepContext, attempt: number, began: number): Promise<StepState> {
	// Not by the time of day: a clock that is set, here or there, is no host that stays away.
	const gone = performance.now();
	let end = (step.kind === 'reboot' ? began : gone) + context.rebootMs;
	let last: Look = { answers: false, says: '' };
	let pause = LOOK_AGAIN_MS;
	let refusals = 0;
	/** A host that goes down lets nobody else than root in (nologin(5)), one that comes up knows some of its users late. */
	const refused = (error: unknown): Look => {
		if (!(error instanceof BsdupError) || error.code !== 'E_AUTH' || ++refusals > REFUSALS) throw error;
		pause = Math.min(REFUSED_PAUSE_MS, context.rebootMs / 60);
		return { answers: false, says: error.message };
	};
	context.emit({ kind: 'notice', text: 'waiting for the host to come back' });
	do {
		await sleep(pause, undefined, { signal: context.signal });
		pause = Math.min(pause * 1.2, LOOK_LONGEST_MS);
		last = await look(step, context, attempt).catch(refused);
		const { seen } = last;
		if (seen !== undefined && seen.attempt < attempt) return seen;
		if (seen?.rebooted === true) {
			context.journal.append({ kind: 'verdict', id: step.id, verdict: 'rebooted', downMs: Math.round(performance.now() - gone) });
			return seen;
		}
		// Its connection alone was lost: it is at work yet, for as long as it may be.
		const now = performance.now();
		if (atWork(step, seen)) end = Math.max(end, Math.min(now, began + step.timeout * 1000) + context.rebootMs);
	} while (performance.now() < end);
	if (atWork(step, last.seen)) throw stillAtWork(step, context, attempt);
	if (last.answers) throw neverRebooted(step, context, last.says);
	throw await notBack(context.plan, context.console, context.rebootMs, last.says);
}

/** All of a reboot step is waiting; a zone that runs unpacks its sets, as far as can be told. */
function atWork(step: Step, seen: Look['seen']): boolean {
	return step.kind === 'zone' && seen?.state === 'running';
}

interface Look {
	/** What the host's record says; undefined where it could not be asked. */
	seen?: StepState & { rebooted: boolean };
	/** Something of the host answers. */
	answers: boolean;
	/** Why its record could not be asked. */
	says: string;
}

/** One look at the host. Throws E_STEP when `attempt` has failed. */
async function look(step: Step, context: StepContext, attempt: number): Promise<Look> {
	try {
		const seen = await context.host.verdict(step.id);
		if (seen.state !== 'failed' || seen.rebooted || seen.attempt < attempt) return { seen, answers: true, says: '' };
		const tail = await context.host.lastLines(step.id, seen.attempt, TAIL_LINES);
		throw stepFailed(context, step, `stopped with status ${seen.rc} before the reboot`, tail);
	} catch (error) {
		if (!(error instanceof BsdupError)) throw error;
		// Programs that die by a signal are the zone's own sign: base is new, the kernel is not yet (F:D).
		const answers = error.code === 'E_HOST_PROGRAM';
		if (!answers && !isPassing(error)) throw error;
		return { answers, says: error.message.trim() };
	}
}

function finish(step: Step, context: StepContext, settled: 'done' | 'unproven', outcome: StepOutcome): StepOutcome {
	if (settled === 'unproven') throw oldSystem(step, context);
	if (step.proof !== '') context.emit({ kind: 'notice', text: 'verdict: new system; the run goes on' });
	return outcome;
}
