import { describe, expect, test } from 'vitest';
import { formatBytes, formatLeft, formatProgress, formatRate } from '../../src/report/progress.ts';

describe('progress', () => {
	test.each([
		[0, '0 B'],
		[1023, '1023 B'],
		[1024, '1.0 KiB'],
		[12.3 * 1024 ** 2, '12.3 MiB'],
		[5 * 1024 ** 4, '5.0 TiB'],
		[5000 * 1024 ** 4, '5000.0 TiB'],
	])('%d bytes read %s', (bytes, text) => {
		expect(formatBytes(bytes)).toBe(text);
	});

	test('a rate is bytes a second, whole below a KiB', () => {
		expect(formatRate(5 * 1024 ** 2)).toBe('5.0 MiB/s');
		expect(formatRate(99.6)).toBe('100 B/s');
	});

	test.each([
		[100, 10, '10s'],
		[101, 10, '11s'],
		[185, 1, '3m05s'],
		[3599, 1, '59m59s'],
		[7620, 1, '2h07m'],
		[0, 10, '0s'],
	])('%d bytes at %d a second leave %s', (left, rate, text) => {
		expect(formatLeft(left, rate)).toBe(text);
	});

	test.each([
		[100, 0],
		[100, Number.NaN],
		[100, Number.POSITIVE_INFINITY],
		[-1, 10],
	])('nothing is promised for %d bytes at %d a second', (left, rate) => {
		expect(formatLeft(left, rate)).toBe('');
	});

	test('bytes, rate and time left stand in one line', () => {
		expect(formatProgress({ done: 10 * 1024 ** 2, total: 40 * 1024 ** 2, rate: 5 * 1024 ** 2 })).toBe(
			'10.0 MiB of 40.0 MiB, 5.0 MiB/s, 6s left',
		);
	});

	test('an unknown total leaves out what it would tell', () => {
		expect(formatProgress({ done: 2048, total: null, rate: 1024 })).toBe('2.0 KiB, 1.0 KiB/s');
	});
});
