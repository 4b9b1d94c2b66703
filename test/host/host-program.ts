import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { renderScript } from '../../src/host/script.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import { makeFacts, makeTarget } from '../plan/make.ts';

/** How long a test waits for what must come. Milliseconds. */
const PATIENCE = 15_000;

/** Every shell the host's own program must run in. */
export const SHELLS = ['sh', 'mksh', 'bash'].filter((shell) => spawnSync(shell, ['-c', ':']).status === 0);

/** A step of harmless commands. */
export function makeStep(id: string, commands: string[], changes: Partial<Step> = {}): Step {
	return {
		...{ id, title: `Step ${id}`, kind: 'host', needs: [], commands, done: '', proof: '', undo: '', measure: '' },
		...{ timeout: 60, attempts: 1, danger: 'none', attended: false },
		...changes,
	} as Step;
}

/** A run's own program in a directory of its own, driven as a controller or a person drives it. */
export class HostProgram {
	readonly top: string;
	readonly dir: string;
	readonly script: string;
	readonly #run: string;
	readonly #shell: string;
	readonly #steps: Step[];
	readonly #children: ChildProcess[] = [];

	constructor(
		makeSteps: (top: string) => Step[],
		{ shell = 'sh', top = mkdtempSync(join(tmpdir(), 'bsdup host-')), run = `run-t${process.pid}` } = {},
	) {
		this.top = top;
		this.#shell = shell;
		this.#run = run;
		this.dir = join(top, run);
		this.script = join(this.dir, 'resume.sh');
		this.#steps = makeSteps(top);
		writeFileSync(join(top, 'boot'), '1000\n', { flag: 'a' });
		this.lay();
	}

	/** Lays the program there, as a controller does before it asks for the host. */
	lay(): void {
		mkdirSync(this.dir, { recursive: true });
		writeFileSync(this.script, renderScript(this.plan()));
	}

	plan(): Plan {
		return {
			...{ format: 1, run: this.#run, title: 'A practice run', hash: '0'.repeat(64), manifest: 'small' },
			...{ facts: makeFacts(), target: makeTarget('7.8'), unattended: true, dir: this.dir, sets: this.top },
			...{ bootTime: `cat '${this.top}/boot'`, fetch: [], steps: this.#steps, rewritten: [], recovery: '' },
		};
	}

	/** Calls a verb and waits for its end. */
	call(...args: string[]): { code: number | null; stdout: string; stderr: string } {
		return this.callFile(this.script, ...args);
	}

	/** The same with the program in another place. */
	callFile(file: string, ...args: string[]): { code: number | null; stdout: string; stderr: string } {
		const { status, stdout, stderr } = spawnSync(this.#shell, [file, ...args], { encoding: 'utf8', input: '', timeout: PATIENCE });
		return { code: status, stdout: stdout.trim(), stderr: stderr.trim() };
	}

	/** Begins a verb in a process group of its own, as a login has one, and leaves it. */
	launch(...args: string[]): { pid: number; ended: Promise<number | null> } {
		const child = spawn(this.#shell, [this.script, ...args], { stdio: 'ignore', detached: true });
		this.#children.push(child);
		if (child.pid === undefined) throw new Error('it did not start');
		return { pid: child.pid, ended: new Promise((resolve) => child.once('exit', resolve)) };
	}

	/** The state of a step, without the attempt. */
	state(step: string): string {
		const line =
			this.call('states')
				.stdout.split('\n')
				.find((one) => one.startsWith(`${step} `)) ?? '';
		return line.split(' ').slice(1).join(' ');
	}

	path(...parts: string[]): string {
		return join(this.dir, 'jobs', ...parts);
	}

	/** Lines that the steps' commands wrote of themselves. */
	traces(): string[] {
		const file = join(this.top, 'trace');
		return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
	}

	/** What a reboot changes: another boot time, an empty /var/run. */
	reboot(...steps: string[]): void {
		writeFileSync(join(this.top, 'boot'), `${Number(readFileSync(join(this.top, 'boot'), 'utf8')) + 1000}\n`);
		for (const step of steps) rmSync(`/var/run/bsdup.${step}`, { force: true });
	}

	pid(step: string, attempt: number, prefix = ''): number {
		return Number(readFileSync(this.path(step, String(attempt), `${prefix}pid`), 'utf8'));
	}

	/** Ends what this object started, and removes its files. */
	remove(): void {
		for (const child of this.#children) {
			try {
				if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
			} catch {
				// its group is gone already
			}
		}
		for (const step of this.#steps) rmSync(`/var/run/bsdup.${step.id}`, { force: true });
		rmSync(this.top, { recursive: true, force: true });
	}
}

/** Waits until `holds`; fails when patience ends. */
export async function until(holds: () => boolean): Promise<void> {
	for (const end = Date.now() + PATIENCE; !holds(); await sleep(50)) {
		if (Date.now() > end) throw new Error(`waited ${PATIENCE} ms for: ${holds.toString()}`);
	}
}

/** sh that writes a word to the trace of the runs in `top`. */
export const trace = (top: string, word: string): string => `echo ${word} >>'${top}/trace'`;
