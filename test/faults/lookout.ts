import type { Case } from './cuts.ts';
import { nthAfter, timesSaid } from './points.ts';
import type { Cast } from './scene.ts';

/** Waits for the points of some cases, each from when the one before was cut: with the trap, at the wire, at the console. */
export class Lookout {
	readonly #cast: Cast;
	readonly #cases: readonly Case[];
	/** The case that is waited for, none by -1. */
	#waiting = -1;
	/** The how many-th of its kind it is from here. */
	#nth = 0;
	/** What the console had said before. Characters. */
	#said = 0;
	/** Pieces that went over the wire, and the one that is waited for. */
	#passed = 0;
	#piece = 0;

	/** `cases`: in the order in which their points come, whose host is not yet worked on. */
	constructor(cast: Cast, cases: readonly Case[]) {
		this.#cast = cast;
		this.#cases = cases;
		cast.host.onPiece((piece) => {
			this.#passed = piece;
			if (piece === this.#piece) cast.trap.spring();
		});
	}

	/** Waits for the case of that index from now on, if it does not already; for none where there is none. */
	wait(index: number): void {
		if (index === this.#waiting) return;
		const point = this.#cases[index]?.point;
		if (point === undefined) {
			this.stop();
			return;
		}
		this.#waiting = index;
		this.#nth = nthAfter(point, this.#cases[index - 1]?.point);
		this.#said = this.#cast.host.console().length;
		this.#cast.trap.set(point, this.#nth);
		this.#piece = point.at === 'wire' ? this.#passed + this.#nth : 0;
	}

	/** Waits for none. */
	stop(): void {
		this.#waiting = -1;
		this.#piece = 0;
		this.#cast.trap.disarm();
	}

	/** The case whose point was met, or undefined as soon as `over` comes true first. */
	async met(over: () => boolean): Promise<Case | undefined> {
		const one = this.#cases[this.#waiting];
		const seen = (): boolean =>
			one?.point.at === 'console' && timesSaid(this.#cast.host.console().slice(this.#said), one.point.line) >= this.#nth;
		return (await this.#cast.trap.sprung(over, seen)) ? one : undefined;
	}
}
