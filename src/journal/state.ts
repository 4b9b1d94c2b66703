import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import { hashOf } from '../plan/build.ts';
import { Plan } from '../plan/plan.ts';

/** How a host is reached, by the names of the flags; paths are absolute once a run keeps them. */
export interface HostFlags {
	identity?: string | undefined;
	become?: string | undefined;
	'known-hosts'?: string | undefined;
	'ssh-config'?: string | undefined;
}

/** What a run leaves on the controller: a folder per run with plan.json, host.json (how to reach the host) and journal.jsonl. */
export interface RunFolder {
	run: string;
	dir: string;
	journal: string;
	plan: Plan;
	/** As the person named the host; null = this machine. */
	host: string | null;
	flags: HostFlags;
}

/** The state directory: `--state`, else XDG_STATE_HOME/bsdup, else ~/.local/state/bsdup. */
export function stateDir(flag: string | undefined): string {
	return flag ?? join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'bsdup');
}

/** Makes the folder of a new run. All files 0600. */
export function createRun(state: string, plan: Plan, host: string | null, flags: HostFlags): RunFolder {
	const dir = join(state, plan.run);
	mkdirSync(dir, { recursive: true, mode: 0o700 });
	writeFileSync(join(dir, 'plan.json'), `${JSON.stringify(plan, null, '\t')}\n`, { mode: 0o600 });
	writeFileSync(join(dir, 'host.json'), `${JSON.stringify({ host, flags })}\n`, { mode: 0o600 });
	return openRun(state, plan.run);
}

/** Opens a run's folder. Throws E_RUN_UNKNOWN, E_PLAN_EDITED. */
export function openRun(state: string, run: string): RunFolder {
	const dir = join(state, run);
	if (!existsSync(join(dir, 'plan.json'))) {
		throw new BsdupError({ code: 'E_RUN_UNKNOWN', message: `no run ${run} in ${state}`, next: ['bsdup status'], exit: EXIT.usage });
	}
	const plan = readPlan(join(dir, 'plan.json'));
	const { host, flags } = JSON.parse(readFileSync(join(dir, 'host.json'), 'utf8')) as Pick<RunFolder, 'host' | 'flags'>;
	return { run, dir, journal: join(dir, 'journal.jsonl'), plan, host, flags };
}

/** Reads a plan file and checks its hash. Throws E_PLAN_FORMAT or E_PLAN_EDITED. */
export function readPlan(file: string): Plan {
	let plan: Plan;
	try {
		plan = Plan.parse(JSON.parse(readFileSync(file, 'utf8')));
	} catch (cause) {
		throw new BsdupError({
			code: 'E_PLAN_FORMAT',
			message: `${file} is not a plan`,
			next: ['bsdup plan HOST --to TARGET --format json --out FILE'],
			exit: EXIT.usage,
			cause,
		});
	}
	const { hash, ...rest } = plan;
	if (hash !== hashOf(rest)) {
		throw new BsdupError({
			code: 'E_PLAN_EDITED',
			message: `${file} was changed after it was made (its hash does not fit)`,
			next: ['make it again: bsdup plan HOST --to TARGET --format json --out FILE'],
			exit: EXIT.usage,
		});
	}
	return plan;
}

/** The newest run, by name, for a host (null = this machine), or of all. Undefined if there is none. */
export function newestRun(state: string, matches: (folder: RunFolder) => boolean): RunFolder | undefined {
	const names = existsSync(state)
		? readdirSync(state)
				.filter((name) => name.startsWith('run-'))
				.sort()
				.reverse()
		: [];
	for (const name of names) {
		if (!existsSync(join(state, name, 'host.json'))) continue;
		const folder = openRun(state, name);
		if (matches(folder)) return folder;
	}
	return undefined;
}

/** Keeps a second controller off the same run. Returns how to let go. Throws E_RUN_BUSY with the holder's pid. */
export function holdRun(folder: RunFolder): () => void {
	const file = join(folder.dir, 'controller.pid');
	try {
		writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
	} catch {
		const pid = Number(readFileSync(file, 'utf8')) || 0;
		if (pid !== process.pid && pid > 0 && alive(pid)) {
			throw new BsdupError({
				code: 'E_RUN_BUSY',
				message: `${folder.run} is carried by process ${pid} on this machine`,
				state: 'That process goes on; nothing was changed by this one.',
				next: [`bsdup status ${folder.run}`],
			});
		}
		writeFileSync(file, String(process.pid), { mode: 0o600 });
	}
	return () => rmSync(file, { force: true });
}

function alive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}
