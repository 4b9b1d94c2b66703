/**
 * The one error type of bsdup. Every failure that reaches a person carries a code, the state
 * the host is in, and the next thing to type; oclif prints `code` and `suggestions` by itself.
 */

/** Exit statuses of every command (README, EXIT STATUS). */
export const EXIT = { done: 0, failed: 1, usage: 2, waiting: 3, interrupted: 130 } as const;

/** The state of the host where an error tells none. */
export const NOTHING_CHANGED = 'Nothing was changed on the host.';

/** What an error is made of. */
export interface BsdupErrorInit {
	/** Stable, upper case, e.g. `E_LIST_SIGNATURE`. */
	code: string;
	/** One plain clause: what is wrong. */
	message: string;
	/** What state the host is in; default: nothing was changed. */
	state?: string;
	/** Commands or actions that come next, the likeliest first. */
	next?: string[];
	/** Exit status; default 1. */
	exit?: number;
	cause?: unknown;
}

/** An error a person can act on. Never holds a secret: callers pass names, not values. */
export class BsdupError extends Error {
	readonly code: string;
	readonly state: string;
	readonly next: readonly string[];
	readonly exit: number;

	constructor(init: BsdupErrorInit) {
		super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
		this.name = 'BsdupError';
		this.code = init.code;
		this.state = init.state ?? NOTHING_CHANGED;
		this.next = init.next ?? [];
		this.exit = init.exit ?? EXIT.failed;
	}
}
