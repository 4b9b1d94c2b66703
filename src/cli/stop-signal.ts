import { isatty } from 'node:tty';
import { EXIT } from '../errors.ts';

/**
 * What writes to no terminal has none that could hang up: that is nohup(1), whose wish Node takes back as it starts. That of macOS and the BSDs
 * leaves the terminal to be read from.
 */
const SIGNALS: readonly NodeJS.Signals[] = [1, 2].some((fd) => isatty(fd)) ? ['SIGINT', 'SIGTERM', 'SIGHUP'] : ['SIGINT', 'SIGTERM'];

/** A hang-up does not end this program where it is none of its terminal. */
export function passOverHangUp(): void {
	if (!SIGNALS.includes('SIGHUP')) process.on('SIGHUP', () => {});
}

/** What a signal that asks this program to end does instead of ending it. */
export interface Stop {
	/** Aborted by the first one. */
	readonly signal: AbortSignal;
	/** The first one; undefined as long as none came. */
	readonly by: NodeJS.Signals | undefined;
	/** From here on signals end the program again. */
	off(): void;
}

/** Listens for Ctrl-C, a hang-up of the terminal and SIGTERM. A second Ctrl-C ends the program at once: somebody does not want to wait. */
export function stopSignal(): Stop {
	const stop = new AbortController();
	let by: NodeJS.Signals | undefined;
	const onSignal = (signal: NodeJS.Signals): void => {
		if (by === 'SIGINT' && signal === 'SIGINT') process.exit(EXIT.interrupted);
		by ??= signal;
		stop.abort();
	};
	// Not `once`: whoever else listens takes a signal that nobody listens to any more for the end of the program.
	for (const signal of SIGNALS) process.on(signal, onSignal);
	return {
		signal: stop.signal,
		get by() {
			return by;
		},
		off() {
			for (const signal of SIGNALS) process.off(signal, onSignal);
		},
	};
}

/** Does `work` with a signal that Ctrl-C, a hang-up or SIGTERM aborts, instead of ending this program. */
export async function withStopSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const stop = stopSignal();
	try {
		return await work(stop.signal);
	} finally {
		stop.off();
	}
}
