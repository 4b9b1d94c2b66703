import { BsdupError } from '../errors.ts';
import { decide, journalDone, takenBack } from '../journal/decide.ts';
import type { Step } from '../plan/plan.ts';
import { runConfirm } from '../steps/confirm.ts';
import type { StepContext, StepOutcome } from '../steps/context.ts';
import { keepsHost } from '../steps/failure.ts';
import { runFetch } from '../steps/fetch.ts';
import { runHostJob } from '../steps/host-job.ts';
import { runReboot } from '../steps/reboot.ts';
import { runStream } from '../steps/stream.ts';
import type { Carrier } from './host-program.ts';
import type { StepState } from './step-state.ts';
import { rolledBack } from './take-refused.ts';

/** `waiting`: a reboot or a person comes next; the program ends with status 3. */
export type RunOutcome = 'done' | 'waiting';

/**
 * Carries a plan to its end, from wherever the host's record says it stands. Calling it again is the recovery.
 *
 * Connect → take the host → lay its program there → walk the graph → let the host go.
 */
export async function run(context: StepContext): Promise<RunOutcome> {
	const { plan, host, journal, emit } = context;
	emit({
		kind: 'plan',
		run: plan.run,
		host: context.transport.name,
		title: plan.title,
		steps: plan.steps.map(({ id, title }) => ({ id, title })),
	});
	const back = takenBack(journal.entries);
	if (back !== undefined) throw rolledBack(plan, `${plan.run} ${back === 'wholly' ? 'was' : 'is being'} taken back`);
	const carrier = carrierOf(context);
	journal.append({ kind: 'begin', plan: plan.hash, controller: carrier.who });

	await host.install();
	await taking(context, host.hold(carrier));
	return leaving(context, carrier, async () => {
		const outcome = await walk(context, await host.states()).catch(async (error: unknown) => {
			// This run can never end, and nothing was changed: the next one must find the host free.
			if (error instanceof BsdupError && error.code === 'E_SNAPSHOT_MOVED') await host.release();
			// What leaves the system as it is keeps nobody else off the host; where a job still runs there, the host refuses to be let go.
			if (plan.target === null && !context.signal.aborted) await host.release().catch(() => {});
			throw error;
		});
		const report = outcome === 'done' ? await host.report() : [];
		if (outcome === 'done') await host.release();
		journal.append({ kind: 'end', status: outcome, detail: report.join('\n') });
		return outcome;
	});
}

/** Waits for the host to be taken. Where another run has it that is noted, so that what is typed for the host next goes to the run that does. */
export async function taking<T>({ journal }: Pick<StepContext, 'journal'>, taken: Promise<T>): Promise<T> {
	return taken.catch((error: unknown) => {
		if (error instanceof BsdupError && error.code === 'E_HOST_HELD')
			journal.append({ kind: 'end', status: 'failed', detail: error.message });
		throw error;
	});
}

/** Does `work`; where the host was not let go by it, says there that nobody carries the run any more. */
export async function leaving<T>(context: StepContext, { who }: Carrier, work: () => Promise<T>): Promise<T> {
	const { host, transport, signal } = context;
	// At the console a reboot may be on its way, in which nothing is to be started; after Ctrl-C nobody shall wait.
	const leave = async (): Promise<void> => (transport.local || signal.aborted ? undefined : host.leave(who));
	try {
		const outcome = await work();
		if (outcome === 'waiting') await leave();
		return outcome;
	} catch (error) {
		await leave();
		throw error;
	}
}

/**
 * Who carries the run from now on. Those whom this run's own journal names carry it no more: one state directory carries a
 * run only once at a time (holdRun).
 */
export function carrierOf({ journal, carrier }: Pick<StepContext, 'journal' | 'carrier'>): Carrier {
	const named = journal.entries.flatMap((entry) => (entry.kind === 'begin' ? [entry.controller] : []));
	return { ...carrier, gone: [...carrier.gone, ...named] };
}

/** Starts every step whose needs are met, at once; stops starting after the first failure, lets what runs end, then throws it. */
async function walk(context: StepContext, states: Map<string, StepState>): Promise<RunOutcome> {
	const done = new Set<string>();
	const running = new Map<string, Promise<void>>();
	let failure: unknown;
	let waiting = false;
	const none: StepState = { attempt: 0, state: 'none', rc: 0 };

	const startReady = (): void => {
		for (const step of context.plan.steps) {
			if (done.has(step.id) || running.has(step.id) || !step.needs.every((need) => done.has(need))) continue;
			const work = one(step, context, states.get(step.id) ?? none).then(
				(outcome) => {
					if (outcome === 'waiting' || outcome === 'paused') waiting = true;
					if (outcome !== 'waiting') done.add(step.id);
				},
				(error: unknown) => {
					failure ??= error;
					const others = [...running.keys()].filter((id) => id !== step.id).join(', ');
					if (others !== '' && !context.signal.aborted)
						context.emit({ kind: 'notice', text: `${step.id} failed; ${others} is followed to its end (Ctrl-C leaves it running)` });
				},
			);
			running.set(
				step.id,
				work.finally(() => running.delete(step.id)),
			);
		}
	};
	for (;;) {
		// Who typed Ctrl-C in one step has not asked for the next, least of all for the zone.
		if (failure === undefined && !waiting && !context.signal.aborted) startReady();
		if (running.size === 0) break;
		await Promise.race(running.values());
	}
	if (failure !== undefined) throw failure;
	if (done.size < context.plan.steps.length && !waiting) context.signal.throwIfAborted();
	return waiting ? 'waiting' : 'done';
}

/** One step: look in the record, act, record. */
async function one(step: Step, context: StepContext, known: StepState): Promise<StepOutcome> {
	const { emit, journal } = context;
	const tell = (status: 'done' | 'already' | 'failed' | 'waiting', detail: string): void => {
		journal.append({ kind: 'step', id: step.id, status, attempt: known.attempt, detail });
		emit({ kind: 'step', id: step.id, status, ...(detail === '' ? {} : { detail }) });
	};
	const { act } = decide(step, known, journalDone(journal.entries, step.id));
	const trusted = act === 'trust' && (step.proof === '' || (await context.host.proven(step.id)));
	if (trusted) await context.host.consented(step.id);
	if (act === 'skip' || trusted) {
		// A journal that was lost is told again what the host's record holds.
		if (!journalDone(journal.entries, step.id)) tell('already', "by the host's record");
		else emit({ kind: 'step', id: step.id, status: 'already' });
		return 'already';
	}
	// Host jobs and reboots write their own line, with the attempt that they begin.
	if (act === 'fetch' || act === 'ask')
		journal.append({ kind: 'step', id: step.id, status: 'running', attempt: known.attempt + 1, detail: '' });
	emit({ kind: 'step', id: step.id, status: 'running' });
	try {
		const outcome = await carry(step, context, known);
		tell(outcome === 'paused' ? 'done' : outcome, '');
		return outcome;
	} catch (error) {
		if (!context.signal.aborted) tell('failed', error instanceof BsdupError ? error.code : String(error));
		throw error instanceof BsdupError ? keepsHost(error, context) : error;
	}
}

function carry(step: Step, context: StepContext, known: StepState): Promise<StepOutcome> {
	switch (step.kind) {
		case 'host':
			return runHostJob(step, context, known);
		case 'stream':
			return runStream(step, context);
		case 'fetch':
			return runFetch(step, context);
		case 'confirm':
			return runConfirm(step, context);
		case 'zone':
		case 'reboot':
			return runReboot(step, context, known);
	}
}
