import { journalDone, takenBack } from '../journal/decide.ts';
import { undoneStep, undoSteps } from '../plan/undo.ts';
import type { StepContext } from '../steps/context.ts';
import { followJob, runHostJob } from '../steps/host-job.ts';
import { goBackAtConsole } from './go-on.ts';
import { carrierOf, leaving, taking } from './run.ts';
import { recordLost } from './take-refused.ts';

/**
 * Takes back what a run has done before its point of no return: the steps that were begun, each before those that it needed, as
 * jobs like all others; each is proven. Then the host is let go, and the run never goes forward again. Cut anywhere, it is
 * called again. Throws E_NO_RETURN or E_RUN_ENDED where it is too late, E_RECORD_LOST where nothing tells what was done, with nothing changed.
 */
export async function rollback(context: StepContext): Promise<'rolled-back'> {
	const { plan, host, journal } = context;
	const carrier = carrierOf(context);
	journal.append({ kind: 'begin', plan: plan.hash, controller: carrier.who });
	await host.install();
	if (takenBack(journal.entries) !== 'wholly' && (await isLost(context))) throw recordLost(plan);
	if (await taking(context, host.turn(carrier))) await leaving(context, carrier, () => undo(context));
	journal.append({ kind: 'end', status: 'rolled-back', detail: '' });
	return 'rolled-back';
}

/** Does the host know of no step at all, though some are done by the journal? */
async function isLost({ plan, host, journal }: StepContext): Promise<boolean> {
	if (!plan.steps.some(({ id }) => journalDone(journal.entries, id))) return false;
	return [...(await host.states()).values()].every(({ state }) => state === 'none');
}

async function undo(context: StepContext): Promise<void> {
	const { plan, host, journal, emit } = context;
	await waitForJobs(context);
	const due = await host.due();
	const jobs = undoSteps(plan).filter((job) => due.has(job.id));
	const steps = jobs.map(({ id, title }) => ({ id, title }));
	emit({ kind: 'plan', run: plan.run, host: context.transport.name, title: `${plan.title}: taken back`, steps });
	for (const job of jobs) {
		const known = due.get(job.id);
		emit({ kind: 'step', id: job.id, status: 'running' });
		const over = known?.state === 'ok' || known?.state === 'already';
		if (job.undoReboots && !over && context.transport.local) emit({ kind: 'notice', text: goBackAtConsole(plan) });
		const outcome = over ? 'already' : await runHostJob(job, context, known ?? { attempt: 0, state: 'none', rc: 0 });
		journal.append({ kind: 'step', id: undoneStep(job.id), status: 'undone', attempt: known?.attempt ?? 0, detail: outcome });
		emit({ kind: 'step', id: job.id, status: outcome === 'already' ? 'already' : 'done' });
	}
	await host.wentBack();
}

/** What runs is not taken back under its own feet: it is followed to its end, whatever that is. */
async function waitForJobs(context: StepContext): Promise<void> {
	const states = await context.host.states();
	for (const id of await context.host.busy()) {
		const step = context.plan.steps.find((one) => one.id === id);
		if (step === undefined) continue;
		context.emit({ kind: 'notice', text: `${id} still runs; its end is waited for (Ctrl-C leaves it running)` });
		await followJob(step, context, states.get(id)?.attempt ?? 0);
	}
}
