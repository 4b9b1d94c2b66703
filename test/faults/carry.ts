import { byCard, isHalf } from './card.ts';
import { type Case, cut } from './cuts.ts';
import { Lookout } from './lookout.ts';
import type { Cast, Ended, Running } from './scene.ts';

const WAYS = ['itself', 'resumed', 'power cycle', 'card', 'back'] as const;
/** By itself: the program went on · resumed · power cycle: turned off and on, then resumed · card: by the recovery card's commands · back: taken back */
export type Way = (typeof WAYS)[number];

/** How an upgrade was carried to its end. */
export interface Carried {
	/** How it went on after each cut, in their order. */
	ways: Way[];
	faults: string[];
	/** What the last said that carried it. */
	last: string;
	/** whole · killed: to be taken back by who asked for it · returned: the card had the system of before booted, to be taken back */
	end: 'whole' | 'killed' | 'returned';
}

const MOST_TRIES = 5;
/** A host in one of these does not start by itself. */
const CARD_STATES = ['panic', 'stuck-kernel', 'installer', 'single-user'];
/** Characters of an output that are shown. */
export const SHOWN = 1500;

/** Begins the upgrade, cuts it at each point as it comes, and does what a person does until it is at its end. No way: no point was met. */
export async function carry(cast: Cast, cases: readonly Case[]): Promise<Carried> {
	const lookout = new Lookout(cast, cases);
	const ways: Way[] = [];
	lookout.wait(0);
	let running = cast.begin();
	for (let tries = 0; ; ) {
		let over = false;
		// At the console a point may lie behind a reboot; then the one who goes on meets it.
		const whole = cast.through(running).then((ended) => {
			over = true;
			return ended;
		});
		for (let one = await lookout.met(() => over); one !== undefined; one = await lookout.met(() => over)) {
			ways.push('itself');
			await cut(one.kind, cast, { ...running, ended: whole }, one.number, () => lookout.wait(ways.length));
			lookout.wait(ways.length);
			tries = 0;
		}
		const { code, output: last } = await whole;
		const kind = cases[ways.length - 1]?.kind;
		if (code === 0 || kind === undefined) return { ways, faults: [], last, end: 'whole' };
		if (kind === 'back') return { ways, faults: [], last, end: 'killed' };
		lookout.stop();
		const next = await goOn(cast, { code, output: last }, tries++);
		ways.push(worse(ways.pop(), next.way));
		if (next.begin === undefined) return { ways, faults: next.faults, last, end: next.faults.length > 0 ? 'whole' : 'returned' };
		lookout.wait(ways.length);
		running = next.begin();
	}
}

/** Does what a person does until the upgrade is at its end, that ended so. */
export async function finish(cast: Cast, first: Ended): Promise<Carried> {
	let way: Way = 'itself';
	let ended = first;
	for (let tries = 0; ended.code !== 0; tries++) {
		const next = await goOn(cast, ended, tries);
		way = worse(way, next.way);
		const so = { ways: [way], faults: next.faults, last: ended.output };
		if (next.begin === undefined) return { ...so, end: next.faults.length > 0 ? 'whole' : 'returned' };
		ended = await cast.through(next.begin());
	}
	return { ways: [way], faults: [], last: ended.output, end: 'whole' };
}

function worse(one: Way | undefined, other: Way): Way {
	return WAYS[Math.max(WAYS.indexOf(one ?? 'itself'), WAYS.indexOf(other))] ?? other;
}

/** How the upgrade can go on. `begin` is not there where it can not, with faults, or where the card had the system of before booted. */
interface Next {
	way: Way;
	faults: string[];
	begin?: () => Running;
}

/** Has the host up again, as a person would who sees for the `tries`-th time that it ended so. */
async function goOn(cast: Cast, ended: Ended, tries: number): Promise<Next> {
	const { host } = cast;
	if (tries >= MOST_TRIES)
		return { way: 'itself', faults: [`not at its end after ${tries} tries; ${host.state}: ${ended.output.slice(-SHOWN)}`] };
	// It does not answer, or nothing starts on it any more: somebody walks there.
	const dumb = tries > 1 || /E_NOT_BACK|E_NEVER_REBOOTED/.test(ended.output);
	if (dumb && host.state === 'up') {
		await host.powerOff();
		await host.powerOn().catch(() => {});
	}
	const up = await bringUp(cast, tries > 1 && (await isHalf(cast)));
	const way = up.card ? 'card' : dumb ? 'power cycle' : 'resumed';
	if (up.fault !== undefined) return { way, faults: [up.fault] };
	return up.returned === true ? { way, faults: [] } : { way, faults: [], begin: () => cast.goOn() };
}

/**
 * Waits for a host that boots, turns one on that is off, and mends one whose kernel or base is torn, or that is `half` unpacked, by the
 * recovery card. One that still does not boot is a fault.
 */
export async function bringUp(cast: Cast, half = false): Promise<{ card: boolean; returned?: boolean; fault?: string }> {
	const { host } = cast;
	if (host.state === 'booting') await host.upAgain(host.boots).catch(() => {});
	if (host.state === 'off' && !half) await host.powerOn().catch(() => {});
	const card = half || CARD_STATES.includes(host.state);
	let returned = false;
	if (card) {
		await host.powerOff();
		returned = await byCard(cast);
	}
	if (host.state === 'up') return { card, returned };
	return { card, fault: `the host is ${host.state}:\n${host.console().slice(-SHOWN)}` };
}
