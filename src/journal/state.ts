import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { baseDir } from '../base-dir.ts';
import { BsdupError, EXIT } from '../errors.ts';
import type { Plan } from '../plan/plan.ts';
import { checkOwnDir, checkTop, makeOwnDir, makeTop, readOwn, writeWhole } from './disk.ts';
import { parsePlan } from './read-plan.ts';

const HostFlags = z.object({
	identity: z.string().optional(),
	become: z.string().optional(),
	'known-hosts': z.string().optional(),
	'ssh-config': z.string().optional(),
});
/** How a host is reached, by the names of the flags; paths are absolute once a run keeps them. */
export type HostFlags = { [name in keyof z.infer<typeof HostFlags>]?: string | undefined };

const HostFile = z.object({ host: z.string().nullable(), flags: HostFlags });

/** What a run leaves on the controller: a folder per run with plan.json, RECOVERY (the plan's card), host.json (how to reach the host) and journal.jsonl. */
export interface RunFolder {
	run: string;
	dir: string;
	journal: string;
	plan: Plan;
	/** As the person named the host; null = this machine. */
	host: string | null;
	flags: HostFlags;
}

/** Codes of `openRun` for a folder that is damaged: the host's own copy of the plan can stand in for it. */
export const DAMAGED_RUN: ReadonlySet<string> = new Set(['E_PLAN_FORMAT', 'E_PLAN_EDITED', 'E_RUN_HOST']);

/** The state directory: `--state`, else XDG_STATE_HOME/bsdup, else ~/.local/state/bsdup. */
export function stateDir(flag: string | undefined): string {
	return flag || baseDir('STATE');
}

/**
 * Makes the folder of a run, on the disk before it returns; directories 0700, files 0600. host.json comes last: without it a folder
 * is no run. A journal that is there stays. Throws E_RUN_TAKEN where it is another host's run, E_STATE_OWNER, E_STATE_MODE, E_STATE_WRITE.
 */
export function createRun(state: string, plan: Plan, host: string | null, flags: HostFlags): RunFolder {
	const dir = join(state, plan.run);
	refuseOfAnother(state, plan, host);
	const begun = existsSync(join(dir, 'host.json'));
	try {
		makeTop(state);
		makeOwnDir(dir);
		writeWhole(join(dir, 'RECOVERY'), plan.recovery);
		writeWhole(join(dir, 'plan.json'), `${JSON.stringify(plan, null, '\t')}\n`);
		writeWhole(join(dir, 'host.json'), `${JSON.stringify({ host, flags })}\n`);
	} catch (error) {
		throw begun ? error : notBegun(state, error);
	}
	return openRun(state, plan.run);
}

/** What keeps a run from being begun: there is none to resume then. */
function notBegun(state: string, cause: unknown): unknown {
	if (!(cause instanceof BsdupError) || cause.code !== 'E_STATE_WRITE') return cause;
	const next = [`make room and permit writing in ${state}`, '--state DIR   (another directory)', 'then: the same command again'];
	return new BsdupError({ code: cause.code, message: cause.message, next, cause });
}

/** A run is named by the second and the first part of its host's name, which may be that of two hosts. Throws E_RUN_TAKEN. */
function refuseOfAnother(state: string, { run, hash }: Plan, host: string | null): void {
	let there: RunFolder;
	try {
		there = openRun(state, run);
	} catch (error) {
		if (error instanceof BsdupError) return; // none, or none that can be read
		throw error;
	}
	// A host may be typed in another way by who takes its run over.
	if (there.host === host || there.plan.hash === hash) return;
	throw new BsdupError({
		code: 'E_RUN_TAKEN',
		message: `${run} is a run of ${there.host ?? 'this machine'}, begun in the same second for a host of the same name`,
		next: ['the same command again'],
	});
}

/** Opens a run's folder; only reads. Throws E_RUN_UNKNOWN, E_STATE_OWNER, E_STATE_MODE, E_PLAN_VERSION, and the codes of DAMAGED_RUN. */
export function openRun(state: string, run: string): RunFolder {
	const dir = join(state, run);
	const there = /^run-[a-z0-9-]+$/.test(run) && checkTop(state) && checkOwnDir(dir);
	const text = there ? readOwn(join(dir, 'plan.json')) : undefined;
	if (text === undefined) {
		throw new BsdupError({
			code: 'E_RUN_UNKNOWN',
			message: `no run ${run} in ${state}`,
			next: ['bsdup status', 'bsdup resume HOST   (finds the run that holds the host)'],
			exit: EXIT.usage,
		});
	}
	const plan = parsePlan(text.toString('utf8'), join(dir, 'plan.json'), 'bsdup resume HOST   (takes the copy on the host)');
	const { host, flags } = readHost(join(dir, 'host.json')) ?? unreachable(run, dir);
	return { run, dir, journal: join(dir, 'journal.jsonl'), plan, host, flags };
}

/**
 * The newest run that `matches`; undefined if there is none. A folder that cannot be read is not passed over for an older one: its error is
 * thrown, unless its host.json tells that it is another host's.
 */
export function newestRun(state: string, matches: (run: { host: string | null; name?: string }) => boolean): RunFolder | undefined {
	const names = checkTop(state) ? readdirSync(state).filter((name) => /^run-[a-z0-9-]+$/.test(name)) : [];
	for (const name of names.sort().reverse()) {
		const dir = join(state, name);
		if (checkOwnDir(dir) && readOwn(join(dir, 'host.json')) === undefined) continue;
		try {
			const folder = openRun(state, name);
			if (matches({ host: folder.host, name: folder.plan.facts.host })) return folder;
		} catch (error) {
			const damaged = error instanceof BsdupError && (DAMAGED_RUN.has(error.code) || error.code === 'E_PLAN_VERSION');
			const known = damaged ? readHost(join(dir, 'host.json')) : undefined;
			if (known === undefined || matches(known)) throw error;
		}
	}
	return undefined;
}

/** What host.json says; undefined where it says nothing. Throws E_STATE_OWNER. */
function readHost(file: string): z.infer<typeof HostFile> | undefined {
	try {
		return HostFile.safeParse(JSON.parse((readOwn(file) ?? '').toString('utf8'))).data;
	} catch (error) {
		if (error instanceof BsdupError) throw error;
		return undefined;
	}
}

function unreachable(run: string, dir: string): never {
	throw new BsdupError({
		code: 'E_RUN_HOST',
		message: `${join(dir, 'host.json')} does not tell how the host of ${run} is reached`,
		next: ['bsdup resume HOST   (with --identity and the like, as when it began)'],
		exit: EXIT.usage,
	});
}
