import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitsPatterns } from '../../src/transport/patterns.ts';

describe('a pattern of ssh_config', () => {
	test('fits what its wildcards stand for, as a regular expression with them would', () => {
		const text = fc.string({ unit: fc.constantFrom('a', 'B', 'b', '.', '\n'), maxLength: 8 });
		const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 });
		fc.assert(
			fc.property(pattern, text, (made, given) => {
				const source = made.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
				expect(fitsPatterns([made], given)).toBe(new RegExp(`^${source}$`, 'is').test(given));
				expect(fitsPatterns(['*', `!${made}`], given)).toBe(!fitsPatterns([made], given));
			}),
			{ numRuns: 2000 },
		);
	});

	test('of many stars, or longer than any name, is answered at once', () => {
		expect(fitsPatterns([`${'*a'.repeat(5000)}b`], 'a'.repeat(255))).toBe(false);
		expect(fitsPatterns([`${'*'.repeat(5000)}b`], `${'a'.repeat(255)}b`)).toBe(true);
		expect(fitsPatterns(['x'.repeat(200_000)], 'x')).toBe(false);
	});
});
