import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PracticeHost } from '../lab/practice-host.ts';
import { ROOT } from '../lab/root.ts';
import type { Point } from './points.ts';

const LOOK_MS = 10;

/** Holds one program of the host, or the controller, right before an act; see trap.sh and preload.ts. */
export class Trap {
	readonly #dir: string;

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

	/** Sets it; a point on the wire is met elsewhere. */
	set(point: Point): void {
		if (point.at === 'start') this.#write('start', `${point.nth}\n${point.pattern}\n`);
		if (point.at === 'member') this.#write('cut', `${point.set} ${point.bytes}\n`);
		if (point.at === 'act') this.#write('act', `${point.nth}\n${point.key}\n`);
		if (point.at === 'start' || point.at === 'member') this.#write('armed', '');
	}

	/** The trap is sprung by whoever watches the wire. */
	spring(): void {
		this.#write('hit', '');
	}

	/** True when something is held or `seen`, false when `over` comes true first. */
	async sprung(over: () => boolean, seen: () => boolean): Promise<boolean> {
		for (;;) {
			if (existsSync(join(this.#dir, 'hit')) || seen()) return true;
			if (over()) return false;
			await sleep(LOOK_MS);
		}
	}

	/** Lets go of what is held, and holds nothing any more; `ahead`: seconds by which a controller's clock is set. */
	release(ahead = 0): void {
		rmSync(join(this.#dir, 'armed'), { force: true });
		if (ahead !== 0) this.#write('clock', String(ahead));
		this.#write('go', '');
	}

	#write(name: string, text: string): void {
		writeFileSync(join(this.#dir, name), text);
	}
}
