import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PracticeHost } from '../lab/practice-host.ts';
import { ROOT } from '../lab/root.ts';
import type { Point } from './points.ts';

const LOOK_MS = 10;

/** Holds one program of the host, or the controller, right before an act, one point after another; see trap.sh and preload.ts. */
export class Trap {
	readonly #dir: string;
	/** Counts the points: each has a directory of its own, so that who is held by one does not meet the next. */
	#number = 0;

	/** Lays the trap's directory beside the disk of a host. */
	constructor(host: PracticeHost) {
		this.#dir = join(host.dir, 'lab/trap');
		mkdirSync(this.#dir);
		copyFileSync(join(ROOT, 'test/faults/trap.sh'), join(this.#dir, 'trap.sh'));
	}

	/** What a controller is started with, which finds the trap in `dir`. */
	env(dir = this.#dir, program = ROOT): Record<string, string> {
		return { FAULTS_DIR: dir, NODE_OPTIONS: `--import=${program}/dist/test/faults/preload.js` };
	}

	/** From now on what a controller does to its files is noted. */
	learn(): void {
		this.#write('ops', '');
	}

	/** What was noted. */
	get acts(): string[] {
		return readFileSync(join(this.#dir, 'ops'), 'utf8').split('\n').slice(0, -1);
	}

	/** Sets it for the `nth` time from now; a point on the wire or of the console is met elsewhere. Nothing is held by the one before any more. */
	set(point: Point, nth: number): void {
		this.disarm();
		const number = String(++this.#number);
		mkdirSync(join(this.#dir, number));
		if (point.at === 'start') this.#write(`${number}/start`, `${nth}\n${point.pattern}\n`);
		if (point.at === 'member') this.#write(`${number}/cut`, `${point.set} ${point.bytes}\n`);
		if (point.at === 'act') this.#write('act', `${number}\n${nth}\n${point.key}\n`);
		if (point.at === 'start' || point.at === 'member') this.#write('armed', `${number}\n`);
	}

	/** Nothing new is held. */
	disarm(): void {
		for (const name of ['armed', 'act']) rmSync(join(this.#dir, name), { force: true });
	}

	/** The trap is sprung by whoever watches the wire. */
	spring(): void {
		this.#write(`${this.#number}/hit`, '');
	}

	/** True when something is held or `seen`, false when `over` comes true first. */
	async sprung(over: () => boolean, seen: () => boolean): Promise<boolean> {
		for (;;) {
			if (existsSync(join(this.#dir, String(this.#number), 'hit')) || seen()) return true;
			if (over()) return false;
			await sleep(LOOK_MS);
		}
	}

	/** Lets go of what is held; `next`: sets it anew right before; `ahead`: seconds by which a controller's clock is set. */
	release(next: () => void = () => this.disarm(), ahead = 0): void {
		const held = this.#number;
		next();
		if (ahead !== 0) this.#write(`${held}/clock`, String(ahead));
		this.#write(`${held}/go`, '');
	}

	#write(name: string, text: string): void {
		writeFileSync(join(this.#dir, name), text);
	}
}
