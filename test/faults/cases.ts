import { Random } from '../fuzz/random.ts';
import type { Way } from './carry.ts';
import { type Case, type Kind, kindsAt, ONCE } from './cuts.ts';
import type { Point } from './points.ts';
import type { Scene } from './scene.ts';
import { type Reference, type Survival, survive } from './survive.ts';
import type { Over } from './upgrades.ts';

/** A case that was run. */
export interface Tried {
	case: Case;
	by: Way;
	faults: string[];
	/** Deeds that were done oftener than in an uninterrupted run. */
	again: string[];
	/** Cuts in its upgrade, and the milliseconds that took. */
	cuts: number;
	ms: number;
}

/** Upgrades for a case whose point is not met, for what runs side by side is not always as quick. */
const TRIES = 3;

/** Every point with the kinds of cut that are tried there, or with `every` that means something. */
export function casesOf(points: readonly Point[], over: Over, every = false): Case[] {
	return points
		.flatMap((point) => kindsAt(point, over, every).map((kind) => ({ point, kind })))
		.map((one, index) => ({ number: index + 1, ...one }));
}

/** `count` of them, the same for the same seed; each kind as often as the others as far as it goes. */
export function sampleOf(cases: readonly Case[], count: number, seed: number): Case[] {
	const random = new Random(seed);
	const mixed = cases.map((one) => ({ one, rank: random.below(1_000_000) })).sort((a, b) => a.rank - b.rank);
	const turns = new Map<Kind, number>();
	const turn = (kind: Kind): number => {
		const next = (turns.get(kind) ?? 0) + 1;
		turns.set(kind, next);
		return next;
	};
	const byTurn = mixed.map(({ one }) => ({ one, turn: turn(one.kind) })).sort((a, b) => a.turn - b.turn);
	return byTurn.slice(0, count).map(({ one }) => one);
}

/**
 * The cases in groups of at most `most`, each of which can be cut in one upgrade, one after another: of points that are told in the same
 * way, of kinds that are judged alike, as far from each other as can be. What is taken back is alone, and so is what the console says,
 * for each boot says it again; nothing is begun anew after a clock was set, for a wrong one is a reason to refuse that.
 */
export function groupsOf(cases: readonly Case[], most: number): Case[][] {
	const alike = new Map<string, Case[]>();
	for (const one of cases) {
		const { kind, point, number } = one;
		const judged = kind === 'clock' || kind === 'full' ? kind : ONCE.includes(kind) ? 'once' : 'host';
		const name = kind === 'back' || point.at === 'console' ? String(number) : `${point.at} ${judged}`;
		alike.set(name, [...(alike.get(name) ?? []), one]);
	}
	return [...alike.values()].flatMap((some) => {
		const sorted = some.sort((one, other) => one.point.place - other.point.place || one.number - other.number);
		const count = Math.ceil(sorted.length / most);
		return Array.from({ length: count }, (_, group) => sorted.filter((_, index) => index % count === group));
	});
}

/**
 * Runs them, some at a time, up to `most` cuts in one upgrade; `told` hears of each. A point that is never met, and an error of the
 * practice host, count as lost. Cases that were lost together are told of as one, the last of them, and then each is run alone.
 */
export async function runCases(
	scene: Scene,
	reference: Reference,
	cases: readonly Case[],
	atATime: number,
	told: (tried: Tried) => void = () => {},
	most = 1,
): Promise<Tried[]> {
	const left = groupsOf(cases, most);
	const all: Tried[] = [];
	const work = async (): Promise<void> => {
		for (let group = left.shift(); group !== undefined; group = left.shift()) {
			const began = Date.now();
			const { ways, faults, again } = await tryThem(scene, reference, group);
			const met = group.slice(0, ways.length);
			const about = { faults, again, cuts: met.length, ms: Date.now() - began };
			const tried = met.map((one, index) => ({ case: one, by: ways[index] ?? 'itself', ...about }));
			const together = faults.length > 0 && met.length > 1;
			const shown = together ? tried.slice(-1) : tried;
			all.push(...shown);
			for (const one of shown) told(one);
			if (together) left.push(...met.map((one) => [one]));
			// The first of what was not met is alone, lest it keep the others from being met again.
			const [first, ...rest] = group.slice(ways.length);
			if (first !== undefined) left.push([first], ...groupsOf(rest, most));
		}
	};
	await Promise.all(Array.from({ length: atATime }, work));
	return all;
}

/** Some cases in one upgrade; one that is alone and not met is run again. */
async function tryThem(scene: Scene, reference: Reference, group: readonly Case[]): Promise<Survival> {
	const lost = (...faults: string[]): Survival => ({ ways: group.map(() => 'itself' as const), faults, again: [] });
	try {
		for (let tries = 0; tries < TRIES; tries++) {
			const survival = await survive(scene, reference, group);
			if (survival.ways.length > 0 || group.length > 1) return survival;
		}
		return lost('the point was never met');
	} catch (error) {
		return lost(error instanceof Error ? (error.stack ?? error.message) : String(error));
	}
}
