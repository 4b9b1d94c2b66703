import { describe, expect, test } from 'vitest';
import { groupsOf } from './cases.ts';
import type { Case, Kind } from './cuts.ts';
import { nthAfter, type Point } from './points.ts';

const POINTS = 10;

/** Starts of the same two programs in turns. */
const points: Point[] = Array.from({ length: POINTS }, (_, place) => ({
	...{ title: `start ${place}`, at: 'start', pattern: `program-${place % 2}`, place },
	alike: Array.from({ length: POINTS }, (_, other) => other).filter((other) => other % 2 === place % 2),
}));

function casesOf(...kinds: Kind[]): Case[] {
	return points.flatMap((point) => kinds.map((kind) => ({ point, kind }))).map((one, index) => ({ ...one, number: index + 1 }));
}

const places = (group: readonly Case[]): number[] => group.map(({ point }) => point.place);

describe('cuts of one upgrade', () => {
	test('come in their order, and as far from each other as can be', () => {
		expect(groupsOf(casesOf('power'), 4).map(places)).toEqual([
			[0, 3, 6, 9],
			[1, 4, 7],
			[2, 5, 8],
		]);
	});

	test('are of kinds that are judged alike', () => {
		const kinds = groupsOf(casesOf('kill', 'drop', 'power', 'reboot', 'full'), 100).map((group) => [
			...new Set(group.map(({ kind }) => kind)),
		]);
		expect(kinds).toEqual([['kill', 'drop'], ['power', 'reboot'], ['full']]);
	});

	test('are one, where it is taken back, and where the console says the point at each boot', () => {
		const said = casesOf('power').map((one) => ({
			...one,
			number: POINTS + one.number,
			point: { ...one.point, at: 'console' as const, line: 'login:' },
		}));
		expect(groupsOf([...casesOf('back'), ...said], 100)).toHaveLength(2 * POINTS);
	});

	test('count from the one before', () => {
		const [, , third, , fifth, sixth] = points;
		expect(fifth && [nthAfter(fifth), nthAfter(fifth, third)]).toEqual([3, 1]);
		expect(sixth && nthAfter(sixth, third)).toBe(2);
	});
});
