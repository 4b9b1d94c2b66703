import { describe, expect, test } from 'vitest';
import { found, PARSERS } from './parsers.ts';
import { faultOf, inputOf } from './try.ts';

/** A few of the inputs that `npm run fuzz` tries by the million; always the same ones. */
const SAMPLE = 25;
const SEED = 1;

describe.each(Object.entries(PARSERS))('the parser of %s', (name, parser) => {
	test('takes the inputs that are changed', () => {
		for (const bytes of parser.corpus) expect(faultOf(parser, bytes)).toBeUndefined();
	});

	test('refuses in words, and never hangs, whatever is changed in them', () => {
		for (let index = 0; index < SAMPLE; index++) expect([index, faultOf(parser, inputOf(parser, SEED, index))]).toEqual([index, undefined]);
	});

	test.skipIf(found(name).length === 0)('does so for all that was found before', () => {
		for (const [file, bytes] of found(name)) expect([file, faultOf(parser, bytes)]).toEqual([file, undefined]);
	});
});
