import { setTimeout as sleep } from 'node:timers/promises';
import { BsdupError } from '../errors.ts';
import type { Step } from '../plan/plan.ts';
import { goOnAtConsole } from '../run/go-on.ts';
import { isPassing } from '../run/host-link.ts';
import type { StepState } from '../run/host-program.ts';
import type { StepContext, StepOutcome } from './context.ts';
import { stepFailed } from './failure.ts';

const LOOK_AGAIN_MS = 200;
const LOOK_LONGEST_MS = 2_000;
const TAIL_LINES = 8;

/**
 * The zone and every reboot: the job is started once, followed through one channel that was open before it began
 * (nothing new may be started on the host meanwhile), then the host is waited for and gives its verdict.
 */
export async function runReboot(step: Step, context: StepContext, known: StepState): Promise<StepOutcome> {
	const { host, journal, transport } = context;
	let state = known;
	for (let tries = 0; ; tries++) {
		if (state.state !== 'running') {
			if (await host.settle(step.id)) return finish(step, context, 'already');
			const back = state.attempt === 0 || !step.returned ? '' : await host.returned(step.id);
			if (back !== '') throw stepFailed(context, { ...step, danger: 'disruptive' }, `verdict: ${back}`);
			if (tries >= step.attempts) throw stepFailed(context, step, await whatIsThere(step, context, tries));
			state = { attempt: state.attempt + 1, state: 'running', rc: 0 };
			journal.append({ kind: 'step', id: step.id, status: 'running', attempt: state.attempt, detail: '' });
			// Said before: the reboot may leave no time to say it.
			if (transport.local) for (const text of goOnAtConsole(context.plan)) context.emit({ kind: 'notice', text });
			await followed('lead', step, context, state.attempt);
		} else await followed('follow', step, context, state.attempt);
		if (transport.local) {
			// Still here: either the machine is on its way down, or the job has failed and nothing comes.
			await look(step, context, state.attempt);
			journal.append({ kind: 'step', id: step.id, status: 'waiting', attempt: state.attempt, detail: 'the reboot' });
			return 'waiting';
		}
		state = await awaitReturn(step, context, state.attempt);
		if (await host.settle(step.id)) {
			const outcome = await finish(step, context, 'done');
			return context.pauseAtReboot ? 'paused' : outcome;
		}
		if (!step.returned && tries + 1 < step.attempts)
			context.emit({ kind: 'notice', text: `${step.id}: the host is here and the step is not done; it is begun again` });
	}
}

/** What a host is that came back without what the step is for. */
async function whatIsThere(step: Step, { host }: StepContext, tries: number): Promise<string> {
	const old = step.proof !== '' && !(await host.proven(step.id));
	return old ? 'verdict: rebooted, old system' : `not done after ${tries} attempts`;
}

/** Follows until the connection ends, which is what a reboot looks like (F:H), or until the job has failed. */
async function followed(verb: 'lead' | 'follow', step: Step, context: StepContext, attempt: number): Promise<void> {
	await context.host.follow(verb, step, attempt, say(step, context), context.signal).catch((error: unknown) => {
		if (context.signal.aborted || !isPassing(error)) throw error;
	});
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
 * errors with what to do.
 */
async function awaitReturn(step: Step, context: StepContext, attempt: number): Promise<StepState> {
	const gone = Date.now();
	let answered = false;
	let pause = LOOK_AGAIN_MS;
	context.emit({ kind: 'notice', text: 'waiting for the host to come back' });
	while (Date.now() - gone < context.rebootMs) {
		await sleep(pause, undefined, { signal: context.signal });
		pause = Math.min(pause * 1.2, LOOK_LONGEST_MS);
		const seen = await look(step, context, attempt);
		answered ||= seen !== undefined;
		if (seen !== undefined && seen.attempt < attempt) return seen;
		if (seen?.rebooted === true) {
			context.journal.append({ kind: 'verdict', id: step.id, verdict: 'rebooted', downMs: Date.now() - gone });
			return seen;
		}
	}
	const minutes = Math.round(context.rebootMs / 60_000);
	throw new BsdupError({
		code: answered ? 'E_NEVER_REBOOTED' : 'E_NOT_BACK',
		message: answered ? 'verdict: never rebooted' : `verdict: did not come back in ${minutes} minutes`,
		state: 'At its console it may wait at the loader, in the installer, or for a person.',
		next: [`bsdup resume ${context.plan.run}   (once it answers)`, context.plan.recovery],
	});
}

/** One look at the host; undefined while it cannot be asked. Throws E_STEP when `attempt` has failed. */
async function look(step: Step, context: StepContext, attempt: number): Promise<(StepState & { rebooted: boolean }) | undefined> {
	try {
		const seen = await context.host.verdict(step.id);
		if (seen.state !== 'failed' || seen.rebooted || seen.attempt < attempt) return seen;
		const tail = await context.host.lastLines(step.id, seen.attempt, TAIL_LINES);
		throw stepFailed(context, step, `stopped with status ${seen.rc} before the reboot`, tail);
	} catch (error) {
		// Programs that die by a signal are the zone's own sign: base is new, the kernel is not yet (F:D).
		if (!isPassing(error) && !(error instanceof BsdupError && error.code === 'E_HOST_PROGRAM')) throw error;
		return undefined;
	}
}

async function finish(step: Step, context: StepContext, outcome: StepOutcome): Promise<StepOutcome> {
	if (step.proof === '' || (await context.host.proven(step.id))) {
		if (step.proof !== '') context.emit({ kind: 'notice', text: 'verdict: new system' });
		return outcome;
	}
	throw stepFailed(context, step, 'verdict: rebooted, old system');
}
