import { describe, expect, test } from 'vitest';
import { compareVersions, inRange, isNextOrSame, nextRelease, RANGE } from '../../src/manifest/version.ts';

describe('versions', () => {
	test.each([
		['7.9', '7.10', -1],
		['7.10', '8.0', -1],
		['7.8', '7.8', 0],
		['10.0', '9.9', 1],
		['5.4', '5.5', -1],
	])('%s against %s is %i, part by part and never as a decimal', (a, b, order) => {
		expect(compareVersions(a, b)).toBe(order);
		expect(compareVersions(b, a)).toBe(order === 0 ? 0 : -order);
	});

	test.each([
		['4.9', '>=4.9 <5.5', true],
		['5.5', '>=4.9 <5.5', false],
		['7.10', '>=6.2', true],
		['7.10', '<7.9', false],
		['10.0', '>=6.2', true],
		['5.6', '>5.6', false],
		['5.6', '<=5.6', true],
		['5.6', '=5.6', true],
		['5.6', '=5.60', false],
	])('%s in %s: %s', (version, range, holds) => {
		expect(RANGE.test(range)).toBe(true);
		expect(inRange(version, range)).toBe(holds);
	});

	test('an absent range admits everything', () => expect(inRange('3.0', undefined)).toBe(true));

	test.each(['', '5.5', '>=5', '>= 5.5', '>=5.5  <5.7', '>=5.5 and', '~5.5'])('%j is no range', (range) => {
		expect(RANGE.test(range)).toBe(false);
	});

	test.each([
		['7.8', '7.9'],
		['7.9', '8.0'],
		['4.9', '5.0'],
		['9.9', '10.0'],
	])('after %s comes %s', (from, to) => {
		expect(nextRelease(from)).toBe(to);
		expect(isNextOrSame(from, to)).toBe(true);
		expect(isNextOrSame(from, from)).toBe(true);
		expect(isNextOrSame(to, from)).toBe(false);
	});

	test.each([
		['7.7', '7.9'],
		['7.9', '7.10'],
		['7.8', '8.0'],
		['7.10', '8.1'],
		['6.9', '7.1'],
	])('%s to %s skips a release', (from, to) => expect(isNextOrSame(from, to)).toBe(false));
});
