import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../fuzz/random.ts';
import { bringUp, finish } from './carry.ts';
import type { Scene } from './scene.ts';
import { finalFaults, type Reference } from './survive.ts';

/** One upgrade that was cut again and again at random times. */
export interface Weathered {
	run: number;
	/** How many cuts took the power, at any instant; the others were orderly reboots by somebody else. */
	forced: number;
	/** How many of the cuts came while the upgrade was not at its end. */
	midway: number;
	/** How many left a base that had to be unpacked by the recovery card. */
	cards: number;
	faults: string[];
}

const CUTS = 15;
/** Percent. */
const FORCED = 85;
/** A cut comes this long after the upgrade was begun or went on. Milliseconds. */
const SOONEST_MS = 300;
const LATEST_MS = 6_000;

/** ostree's measure: an upgrade cut 15 times at random times, 85 % of them by force; in the end the host must be whole and nothing lost. */
export async function weather(scene: Scene, reference: Reference, run: number, seed: number): Promise<Weathered> {
	const random = new Random(seed * 1000 + run);
	const cast = await scene.cast();
	const { host } = cast;
	try {
		let [forced, midway, cards] = [0, 0, 0];
		let running = cast.begin();
		for (let cuts = 0; cuts < CUTS; cuts++) {
			const ended = running.ended.then(() => true);
			const idle = await Promise.race([ended, sleep(SOONEST_MS + random.below(LATEST_MS - SOONEST_MS), false)]);
			if (!idle) midway++;
			const force = random.below(100) < FORCED;
			if (force) {
				forced++;
				await host.powerCut();
				running.kill();
				await host.powerOn().catch(() => {});
			} else {
				const { boots } = host;
				host.pressButton();
				running.kill();
				await host.upAgain(boots + 1).catch(() => {});
			}
			await running.ended;
			const up = await bringUp(cast);
			if (up.card) cards++;
			if (up.fault !== undefined) return { run, forced, midway, cards, faults: [up.fault] };
			running = cast.goOn();
		}
		const end = await finish(cast, await cast.through(running));
		if (end.faults.length > 0) return { run, forced, midway, cards, faults: end.faults };
		return { run, forced, midway, cards, faults: await finalFaults(cast, reference) };
	} finally {
		await cast.destroy();
	}
}
