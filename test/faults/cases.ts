import { Random } from '../fuzz/random.ts';
import { type Kind, kindsAt } from './cuts.ts';
import type { Point } from './points.ts';
import type { Scene } from './scene.ts';
import { type Reference, type Survival, survive } from './survive.ts';
import type { Over } from './upgrades.ts';

/** A point with a kind of cut; `number` finds it again. */
export interface Case {
	number: number;
	point: Point;
	kind: Kind;
}

/** A case that was run, and the milliseconds it took. */
export type Tried = Case & Survival & { ms: number };

/** Runs of a case whose point is not met, for what runs side by side is not always as quick. */
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

/** Runs them, some at a time; `told` hears of each. A point that is never met, and an error of the practice host, count as lost. */
export async function runCases(
	scene: Scene,
	reference: Reference,
	cases: readonly Case[],
	atATime: number,
	told: (tried: Tried) => void = () => {},
): Promise<Tried[]> {
	const left = [...cases];
	const tried: Tried[] = [];
	const work = async (): Promise<void> => {
		for (let one = left.shift(); one !== undefined; one = left.shift()) {
			const began = Date.now();
			const survival = await tryOne(scene, reference, one);
			const done = { ...one, ...survival, ms: Date.now() - began };
			tried.push(done);
			told(done);
		}
	};
	await Promise.all(Array.from({ length: atATime }, work));
	return tried;
}

async function tryOne(scene: Scene, reference: Reference, { point, kind, number }: Case): Promise<Survival> {
	try {
		for (let tries = 0; tries < TRIES; tries++) {
			const survival = await survive(scene, reference, point, kind, number);
			if (survival !== undefined) return survival;
		}
		return { by: 'itself', faults: ['the point was never met'], again: [] };
	} catch (error) {
		return { by: 'itself', faults: [error instanceof Error ? (error.stack ?? error.message) : String(error)], again: [] };
	}
}
