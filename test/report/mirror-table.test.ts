import { describe, expect, test } from 'vitest';
import type { Measured } from '../../src/mirrors/measured.ts';
import { mirrorLines } from '../../src/report/mirror-table.ts';

const NOW = 1_800_000_000;
const one = (changes: Partial<Measured>): Measured => ({
	...{
		mirror: 'https://cdn.example.org/pub/System',
		state: 'good',
		says: [],
		latency: 23.4,
		jitter: 2,
		loss: 0,
		throughput: 11.2 * 1024 ** 2,
	},
	...{ version: '7.9', build: NOW - 3 * 3600, packages: NOW, estimate: 60, unproven: false },
	...changes,
});
const some = [
	one({}),
	one({
		mirror: 'ftp://a-long-name.mirrors.example.net/pub/System',
		state: 'old',
		says: ['its build is 3 days behind the newest'],
		latency: 4.26,
	}),
	one({
		mirror: 'http://127.0.0.1:9',
		state: 'down',
		latency: null,
		jitter: null,
		loss: 1,
		throughput: null,
		build: null,
		says: ['cannot reach it'],
	}),
];

describe('mirrors', () => {
	test('are a line each, the best first, with what speaks against them beneath', () => {
		expect(mirrorLines(some, 100, NOW)).toEqual([
			'   state  latency jitter  loss        rate built  mirror',
			'1  good     23 ms     ±2    0%  11.2 MiB/s    3h  https://cdn.example.org/pub/System',
			'2  old     4.3 ms     ±2    0%  11.2 MiB/s    3h  ftp://a-long-name.mirrors.example.net/pub/System',
			'   its build is 3 days behind the newest',
			'3  down         -      -  100%           -     -  http://127.0.0.1:9',
			'   cannot reach it',
			'',
			'best: --mirror https://cdn.example.org/pub/System',
		]);
	});

	test.each([80, 72, 71, 60, 40])('fit %i columns', (columns) => {
		const lines = mirrorLines(some, columns, NOW).flatMap((line) => line.split('\n'));
		// A URL stays whole where it stands alone: it must be possible to copy it.
		expect(lines.filter((line) => line.length > columns && !/^\d \S+$|^ *\S+$/.test(line))).toEqual([]);
		expect(lines.join('\n')).toContain('https://cdn.example.org/pub/System');
	});

	test('none of which is good are not recommended', () => {
		expect(mirrorLines(some.slice(1), 80, NOW).at(-1)).toBe('none of them can be recommended');
	});
});
