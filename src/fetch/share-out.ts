import { minus, type Range } from './ranges.ts';

/** A stretch of a file that one connection fetches. */
export interface Claim {
	/** The next byte to come. */
	at: number;
	/** Where it ends; Infinity while nobody knows the size. */
	end: number;
	/** When it began, in milliseconds of any steady clock. */
	began: number;
	/** Where it began. */
	from: number;
}

/** Bytes that are worth a request of their own. */
export const LEAST = 4 << 20;
/** Bytes that are worth taking over from a slow connection. */
const LEAST_TAKEN = 256 << 10;
/** A connection that needs this many milliseconds more is helped by an idle one. */
const PATIENCE = 2000;

/** What is missing and nobody fetches, lowest first. */
export function unclaimed(missing: readonly Range[], claims: Iterable<Claim>): Range[] {
	let free = [...missing];
	// From where they began: what came may not be written yet.
	for (const { from, end } of claims) free = free.flatMap((range) => minus(range, { start: from, end }));
	return free;
}

/**
 * The next stretch for one of `hands` connections: a part of what is free that gets smaller towards the end, so that all end at
 * nearly the same time, and none so small that asking costs more than it brings. Null where nothing is free.
 */
export function nextShare(free: readonly Range[], hands: number): Range | null {
	const first = free[0];
	if (first === undefined) return null;
	const total = free.reduce((sum, { start, end }) => sum + end - start, 0);
	const share = Math.max(LEAST, Math.ceil(total / (2 * hands)));
	const end = first.end - first.start < share + LEAST / 2 ? first.end : first.start + share;
	return { start: first.start, end };
}

/**
 * Which claim an idle connection takes over from where, or null where nobody needs help: that of the slowest, divided by the rates
 * of both. `rate`: bytes a millisecond of the idle one, null = not known, taken to be as the other's. `now`: of the claims' clock.
 */
export function takeOver<C extends Claim>(claims: Iterable<C>, rate: number | null, now: number): { claim: C; from: number } | null {
	let worst: { claim: C; from: number; left: number } | null = null;
	for (const claim of claims) {
		const bytes = claim.end - claim.at;
		// Too young to have a rate.
		if (!Number.isFinite(bytes) || bytes < LEAST_TAKEN || now - claim.began < PATIENCE) continue;
		const theirs = (claim.at - claim.from) / (now - claim.began);
		const left = bytes / theirs;
		if (left <= PATIENCE || (worst !== null && left <= worst.left)) continue;
		const ours = rate ?? theirs;
		const kept = theirs === 0 ? 0 : Math.floor((bytes * theirs) / (theirs + ours));
		if (bytes - kept >= LEAST_TAKEN) worst = { claim, from: claim.at + kept, left };
	}
	return worst === null ? null : { claim: worst.claim, from: worst.from };
}
