import { describe, expect, test } from 'vitest';
import { Ranges } from '../../src/fetch/ranges.ts';
import { type Claim, nextShare, takeOver, unclaimed } from '../../src/fetch/share-out.ts';

const MIB = 1 << 20;

test('a set of ranges says the same as a list of bytes, whatever is added and removed', () => {
	let seed = 7;
	const random = (below: number): number => {
		seed = (seed * 1103515245 + 12345) % 2147483648;
		return Math.floor((seed / 2147483648) * below);
	};
	for (let round = 0; round < 200; round++) {
		const ranges = new Ranges();
		const bytes = new Array<boolean>(40).fill(false);
		for (let step = 0; step < 12; step++) {
			const start = random(40);
			const end = Math.min(40, start + random(12));
			const add = random(3) > 0;
			if (add) ranges.add({ start, end });
			else ranges.remove({ start, end });
			bytes.fill(add, start, end);
		}
		const said = new Array<boolean>(40).fill(false);
		for (const { start, end } of ranges.list) said.fill(true, start, end);
		expect(said).toEqual(bytes);
		expect(ranges.total).toBe(bytes.filter(Boolean).length);
		const lacks = new Array<boolean>(40).fill(true);
		for (const { start, end } of ranges.missing(40)) lacks.fill(false, start, end);
		expect(lacks).toEqual(bytes);
		const at = random(40);
		const end = bytes.indexOf(false, at);
		expect(ranges.endFrom(at)).toBe(end === -1 ? 40 : end);
		for (let n = 1; n < ranges.list.length; n++)
			expect(ranges.list[n]?.start).toBeGreaterThan(ranges.list[n - 1]?.end ?? Number.POSITIVE_INFINITY);
	}
});

describe('a file is shared out', () => {
	const claim = (change: Partial<Claim>): Claim => ({ at: 0, from: 0, end: 10 * MIB, began: 0, ...change });

	test('in pieces that get smaller, none of them small, all of it once', () => {
		const have = new Ranges();
		const sizes: number[] = [];
		for (;;) {
			const share = nextShare(have.missing(100 * MIB), 4);
			if (share === null) break;
			sizes.push(share.end - share.start);
			have.add(share);
		}
		expect(have.list).toEqual([{ start: 0, end: 100 * MIB }]);
		expect(sizes[0]).toBe(12.5 * MIB);
		expect(Math.min(...sizes)).toBeGreaterThanOrEqual(2 * MIB);
		expect([...sizes].sort((a, b) => b - a).slice(0, 4)).toEqual(sizes.slice(0, 4));
	});

	test('without what is on its way, written or not', () => {
		expect(unclaimed([{ start: 0, end: 10 }], [claim({ at: 5, from: 2, end: 7 })])).toEqual([
			{ start: 0, end: 2 },
			{ start: 7, end: 10 },
		]);
	});

	test('anew when one connection is much slower: it keeps what it can bring in the same time', () => {
		const slow = claim({ at: MIB, end: 9 * MIB });
		// 1 MiB in 10 s against 3 MiB in 10 s.
		expect(takeOver([slow], (3 * MIB) / 10_000, 10_000)).toEqual({ claim: slow, from: 3 * MIB });
	});

	test('wholly anew when one connection is silent', () => {
		const silent = claim({});
		expect(takeOver([silent], null, 10_000)).toEqual({ claim: silent, from: 0 });
	});

	test.each([
		['is nearly done', claim({ at: 9.9 * MIB }), 10_000],
		['has only begun', claim({}), 1000],
		['has no known end', claim({ end: Number.POSITIVE_INFINITY }), 10_000],
	])('not when a connection %s', (_what, one, now) => {
		expect(takeOver([one], 1000, now)).toBe(null);
	});
});
