import { BsdupError } from '../errors.ts';

/**
 * A URL without user and password, for messages. A password may hold `@`, and by mistake `/` too: behind the colon that may begin one
 * everything before the last `@` goes.
 */
export function bare(url: string): string {
	return url.replace(/\/\/(?:[^/@[]*:.*|[^/]*)@/, '//');
}

/** E_NOT_FOUND: the mirror answers, and has no such file. */
export function notFound(url: string): BsdupError {
	return new BsdupError({ code: 'E_NOT_FOUND', message: `${bare(url)} is not there`, next: ['check --to and --mirror'] });
}

/** E_MIRROR_UNREACHABLE with the reason in one clause; a BsdupError passes unchanged. */
export function unreachable(url: string, cause: unknown): BsdupError {
	if (cause instanceof BsdupError) return cause;
	return new BsdupError({
		code: 'E_MIRROR_UNREACHABLE',
		message: `cannot reach ${bare(url)}: ${reason(cause)}`,
		next: ['check the network and the name', 'choose another --mirror'],
		cause,
	});
}

/** A mirror has too many connections of ours, or too much to do. */
export class Crowded extends Error {
	/** Milliseconds that it wants to be left alone. */
	readonly pauseMs: number;

	constructor(message: string, pauseMs = 0) {
		super(message);
		this.pauseMs = pauseMs;
	}
}

/** A mirror does not let us in, or does not give us this file: to ask again would be the same, or lock an account. */
export class Refused extends Error {}

/** The innermost words of an error: clients hide them in `cause`, and an attempt at several addresses in `errors`. */
export function reason(error: unknown): string {
	let inner: unknown = error;
	while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
	if (inner instanceof AggregateError && inner.errors.length > 0) inner = inner.errors[0];
	return inner instanceof Error ? inner.message || inner.name : String(inner);
}
