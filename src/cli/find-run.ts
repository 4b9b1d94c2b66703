import { BsdupError, EXIT } from '../errors.ts';
import { refusedFor } from '../journal/decide.ts';
import { readJournal } from '../journal/journal.ts';
import { createRun, DAMAGED_RUN, type HostFlags, newestRun, openRun, type RunFolder, stateDir } from '../journal/state.ts';
import { type RunStatus, statusOf } from '../journal/status.ts';
import { RUNS_ON_HOST } from '../plan/host-scope.ts';
import { cleanLine } from '../report/clean.ts';
import { heldRun } from '../run/held-run.ts';
import { runAfter } from './hops.ts';
import { ask, keptHostFlags, openHost } from './open-host.ts';

/** Finds a run by its id, the newest of a host, or the newest of all; only on this machine. Throws E_RUN_UNKNOWN and what `openRun` throws. */
export function findRun(stateFlag: string | undefined, which: string | undefined): RunFolder {
	return localRun(stateDir(stateFlag), which) ?? unknown(stateDir(stateFlag), which, false);
}

/** See `findRunToResume`. */
export interface RunToResume {
	folder: RunFolder;
	takenOver: boolean;
	done: boolean;
}

/**
 * The run to go on with. Where this machine knows none of that host that is unfinished, or its folder is damaged, the host is asked which
 * run holds it, and the plan that lies there is taken over: `takenOver`, a person said that nobody else carries it any more. `done`: the
 * run was, and each hop after it that was begun, so nothing of it is to be done again, least of all where the host's record of it was
 * cleaned up. Throws E_RUN_UNKNOWN, E_HOST_PLAN, E_NOT_CONFIRMED and what `openRun` and the transport throw.
 */
export async function findRunToResume(
	which: string | undefined,
	flags: HostFlags & { state?: string | undefined; yes: boolean },
): Promise<RunToResume> {
	const here = (folder: RunFolder, done = false): RunToResume => ({ folder, takenOver: false, done });
	const state = stateDir(flags.state);
	const known = localOrDamaged(state, which);
	const typed = which?.startsWith('run-') === true;
	if (known !== undefined && !('code' in known) && !isOver(known) && (typed || !wasRefused(known))) return here(withFlags(known, flags));
	const local = known === undefined || 'code' in known ? undefined : known;
	const host = local === undefined ? (which ?? null) : local.host;
	const kept = keptHostFlags(flags);
	const found = typed ? undefined : await onHost(host, { ...local?.flags, ...given(kept) });
	if (found === undefined || found.plan.run === local?.run) {
		if (known !== undefined && 'code' in known) throw known;
		if (local === undefined) unknown(state, which, true);
		const last = found === undefined ? furthest(state, local) : local;
		return here(withFlags(last, flags), found === undefined && stateOf(last) === 'done');
	}
	await confirmTakeover(found, flags.yes);
	return { folder: createRun(state, found.plan, host, { ...local?.flags, ...given(kept) }), takenOver: true, done: false };
}

function localRun(state: string, which: string | undefined): RunFolder | undefined {
	if (which?.startsWith('run-')) return openRun(state, which);
	const newest = newestRun(state, ({ host, name }) => which === undefined || host === which || name === which);
	return newest && (holderInstead(state, newest) ?? newest);
}

/** The run that kept `folder` from the host and from doing anything, where this machine has it and it is not over: it is the one that is meant. */
function holderInstead(state: string, folder: RunFolder): RunFolder | undefined {
	const run = refusedFor(readJournal(folder.journal).entries);
	const holder = run === undefined ? undefined : runHere(state, run);
	return holder === undefined || isOver(holder) ? undefined : holder;
}

/** Of a run and the hops after it the first that is not done, as far as this machine has begun them. */
function furthest(state: string, folder: RunFolder): RunFolder {
	const next = folder.plan.onward !== undefined && stateOf(folder) === 'done' ? runHere(state, runAfter(folder.run)) : undefined;
	return next === undefined ? folder : furthest(state, next);
}

/** Where the hop after a run stands, once this machine has begun it. */
export function hopAfter(stateFlag: string | undefined, { plan, run }: RunFolder): RunStatus | undefined {
	const next = plan.onward === undefined ? undefined : runHere(stateDir(stateFlag), runAfter(run));
	return next && statusOf(next.plan, readJournal(next.journal).entries);
}

/** Opens a run; undefined where this machine has none of that name. Throws what else `openRun` throws. */
export function runHere(state: string, run: string): RunFolder | undefined {
	try {
		return openRun(state, run);
	} catch (error) {
		if (error instanceof BsdupError && error.code === 'E_RUN_UNKNOWN') return undefined;
		throw error;
	}
}

function localOrDamaged(state: string, which: string | undefined): RunFolder | BsdupError | undefined {
	try {
		return localRun(state, which);
	} catch (error) {
		if (error instanceof BsdupError && DAMAGED_RUN.has(error.code) && which !== undefined) return error;
		throw error;
	}
}

/** Done, or taken back: nothing is left to go on with. */
function isOver(folder: RunFolder): boolean {
	return ['done', 'rolled-back'].includes(stateOf(folder));
}

function stateOf(folder: RunFolder): RunStatus['state'] {
	return statusOf(folder.plan, readJournal(folder.journal).entries).state;
}

/** Another run had the host, which this machine does not know, or no longer: the host tells whether it still does. */
function wasRefused(folder: RunFolder): boolean {
	return refusedFor(readJournal(folder.journal).entries) !== undefined;
}

async function onHost(host: string | null, flags: HostFlags): Promise<Awaited<ReturnType<typeof heldRun>>> {
	const transport = await openHost(host ?? undefined, flags);
	try {
		return await heldRun(transport);
	} finally {
		await transport.close();
	}
}

/** Only a person can tell that the machine which began the run does not go on with it. */
async function confirmTakeover({ plan, holder }: { plan: { run: string; title: string }; holder: string }, yes: boolean): Promise<void> {
	const by = `${plan.run} (${plan.title}) was carried by ${holder === '' ? 'somebody' : holder}`;
	process.stderr.write(`bsdup: found on the host: ${cleanLine(by)}\n`);
	if (yes) return;
	if (process.stdin.isTTY && (await ask('Does nobody carry it there any more? Type yes to go on with it here: ')) === 'yes') return;
	throw new BsdupError({
		code: 'E_NOT_CONFIRMED',
		message: `${by}, and nobody said that it is not carried there any more`,
		next: ['--yes   (says so)', 'bsdup resume on that machine'],
		exit: EXIT.usage,
	});
}

/** A run with what is given now in place of what it kept: a key may have moved. */
export function withFlags(folder: RunFolder, flags: HostFlags): RunFolder {
	return { ...folder, flags: { ...folder.flags, ...given(keptHostFlags(flags)) } };
}

function given(flags: HostFlags): HostFlags {
	return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

function unknown(state: string, which: string | undefined, asked: boolean): never {
	throw new BsdupError({
		code: 'E_RUN_UNKNOWN',
		message: `no run${which === undefined ? '' : ` for ${which}`} in ${state}${asked ? `, and none holds ${which ?? 'this machine'}` : ''}`,
		next: asked
			? [...likely(state, which), 'bsdup upgrade HOST --to TARGET']
			: [
					...likely(state, which),
					'bsdup resume HOST   (asks the host itself, and goes forward)',
					`ls -l ${RUNS_ON_HOST}/lock   (on the host: names the RUN that has it)`,
					`sh ${RUNS_ON_HOST}/RUN/resume.sh rollback   (there: takes it back)`,
					'bsdup upgrade HOST --to TARGET',
				],
		exit: EXIT.usage,
	});
}

/** The newest run of a host that was typed in another way, such as with its user: which of several is meant, a person decides. */
function likely(state: string, which: string | undefined): string[] {
	const same = newestRun(state, ({ host, name }) => which !== undefined && [host, name].some((one) => bareName(one) === bareName(which)));
	return same === undefined ? [] : [`the same with ${same.run}   (the newest run of ${same.host ?? 'this machine'})`];
}

/** A host's name without user, port and domain; an address as it is. */
function bareName(host: string | null | undefined): string | undefined {
	const name = host
		?.replace(/^.*@/, '')
		.replace(/^\[(.*)\]/, '$1')
		.replace(/^([^:]*):\d+$/, '$1')
		.toLowerCase();
	return name === undefined || /^[0-9.]+$|:/.test(name) ? name : name.split('.')[0];
}
