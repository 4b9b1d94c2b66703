import { BsdupError } from '../../src/errors.ts';
import { mutate } from './mutate.ts';
import type { FuzzedParser } from './parsers.ts';
import { Random } from './random.ts';

/** Longer on one input is a hang, however busy the machine. Milliseconds. */
export const HANG_MS = 10_000;

/** Input number `index` of a search; the same numbers give the same bytes. */
export function inputOf(parser: FuzzedParser, seed: number, index: number): Buffer {
	const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
	return mutate(random.pick(parser.corpus), random.pick(parser.corpus), random);
}

/** What is wrong with how the parser takes it; undefined = nothing: it was understood, or refused for a person to read. */
export function faultOf(parser: FuzzedParser, bytes: Buffer): string | undefined {
	const began = performance.now();
	try {
		parser.parse(bytes);
	} catch (error) {
		if (!(error instanceof BsdupError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
		if (error.code === '' || error.message === '' || error.next.length === 0) return `${error.code} tells nobody what to do`;
	}
	const ms = performance.now() - began;
	return ms > HANG_MS ? `took ${Math.round(ms)} ms` : undefined;
}
