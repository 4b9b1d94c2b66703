import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { byCard, isHalf } from './card.ts';
import { cut, type Kind, ONCE } from './cuts.ts';
import { deedsOf, doneAgain, type Tree, treeDifferences, treeOf } from './final.ts';
import { hasSaid, type Learned, type Point, pointsOf } from './points.ts';
import type { Cast, Ended, Scene } from './scene.ts';

/** How a cut run came to its end, or what is wrong. */
export interface Survival {
	/** by itself: the program went on · resumed · power cycle: turned off and on, then resumed · card: by the recovery card's commands · back: taken back */
	by: 'itself' | 'resumed' | 'power cycle' | 'card' | 'back';
	/** Empty when the host is what an uninterrupted run makes it. */
	faults: string[];
	/** Deeds that were done oftener than in an uninterrupted run. */
	again: string[];
}

/** What an uninterrupted run makes of a host, and what it showed meanwhile. */
export interface Reference {
	points: Point[];
	tree: Tree;
	/** The host before it, looked at when it is first asked for. */
	before: () => Promise<Tree>;
	deeds: Map<string, number>;
}

const MOST_TRIES = 5;
/** A host in one of these does not start by itself. */
const CARD_STATES = ['panic', 'stuck-kernel', 'installer', 'single-user'];
const SHOWN = 1500;
/** What the last boot leaves on a full disk, and the next one writes anew: of the relinking, and the name of the kernel that was booted (F:A.10). */
const LEFT_BY_BOOT = /^(nbsd|bsd\.booted): /;
/** An old loader is kept where there is room, and is told of where there is none; where a new one finds none, the old one stays (loader.yaml). */
const OLD_LOADER = /^esp\S*\.old: not there/;
const LOADER = /^(esp\S*\.efi): (.*), not /;

/** Runs the upgrade without a cut. Throws when it does not end well. */
export async function learn(scene: Scene): Promise<Reference> {
	const cast = await scene.cast();
	try {
		cast.trap.learn();
		let pieces = 0;
		cast.host.onPiece((piece) => {
			pieces = piece;
		});
		// What was started before, at its first boot, is no point of the run.
		const started = cast.host.processLog().length;
		const said = cast.host.console().length;
		const ended = await cast.through(cast.begin());
		if (ended.code !== 0) throw new Error(`the uninterrupted run failed:\n${ended.output.slice(-SHOWN)}`);
		const log = cast.host.processLog();
		const learned: Learned = {
			log: log.slice(started),
			acts: cast.trap.acts,
			console: cast.host.console().slice(said),
			pieces: scene.upgrade.over === 'ssh' ? pieces : 0,
			sets: scene.sets,
		};
		return { points: pointsOf(learned), tree: await finalTree(cast), before: once(() => untouched(scene)), deeds: deedsOf(log) };
	} finally {
		await cast.destroy();
	}
}

/** Runs the upgrade, cuts it at the point, brings it to its end as a person would, and compares. undefined: the point was not met. */
export async function survive(scene: Scene, reference: Reference, point: Point, kind: Kind, number: number): Promise<Survival | undefined> {
	const cast = await scene.cast();
	try {
		cast.trap.set(point);
		if (point.at === 'wire') cast.host.onPiece((piece) => piece === point.piece && cast.trap.spring());
		const said = cast.host.console().length;
		const first = cast.begin();
		let over = false;
		// At the console the point may lie behind a reboot; then the one who goes on meets it.
		const whole = cast.through(first).then((ended) => {
			over = true;
			return ended;
		});
		const seen = (): boolean => point.at === 'console' && hasSaid(cast.host.console().slice(said), point);
		if (!(await cast.trap.sprung(() => over, seen))) return undefined;
		const ended = await cut(kind, cast, { ...first, ended: whole }, number);
		const back = kind === 'back' ? await takeBack(cast, reference) : undefined;
		if (back !== undefined) return back;
		const { by, faults, last, returned } = await finish(cast, ended, kind);
		if (faults.length > 0) return { by, faults, again: [] };
		if (returned === true) {
			const taken = await takeBack(cast, reference);
			return { by, faults: taken?.faults ?? ['the system of before was booted, and is past the point of no return'], again: [] };
		}
		const log = cast.host.processLog();
		const again = doneAgain(reference.deeds, deedsOf(log));
		const before = kind === 'full' ? await reference.before() : undefined;
		const stays = (fault: string): boolean => {
			const [, path = '', is] = LOADER.exec(fault) ?? [];
			return is !== undefined && before?.get(path) === is;
		};
		const forRoom = (fault: string): boolean => kind === 'full' && (LEFT_BY_BOOT.test(fault) || OLD_LOADER.test(fault) || stays(fault));
		const wrong = (await finalFaults(cast, reference)).filter((fault) => !forRoom(fault));
		if (ONCE.includes(kind)) wrong.push(...again.map((deed) => `done again: ${deed}`));
		if (ONCE.includes(kind) && by !== 'itself' && by !== 'resumed') wrong.push(`it took a ${by}`);
		if (wrong.length > 0) wrong.push(`the last that went on said:\n${last.slice(-SHOWN)}`);
		return { by, faults: wrong, again };
	} finally {
		await cast.destroy();
	}
}

async function untouched(scene: Scene): Promise<Tree> {
	const cast = await scene.cast();
	return finalTree(cast).finally(() => cast.destroy());
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
	let made: Promise<T> | undefined;
	return () => (made ??= make());
}

/** What a rollback says that it leaves: a backup, a new loader, the records of the run, what freebsd-update has fetched. */
const LEFT = /^(backup|esp)\/|(^|\/)var\/(bsdup|db\/(bsdup|freebsd-update))$/;

/** Takes it back, and compares the host with what it was. undefined: it is past the point of no return, or at its end by then, and was told so. */
async function takeBack(cast: Cast, { before }: Reference): Promise<Survival | undefined> {
	const { code, output } = await cast.through(cast.goBack(), () => cast.goBack());
	if (/point of no return|this run is at its end, and is not taken back any more/.test(output)) return undefined;
	if (code !== 0) return { by: 'back', faults: [`it was not taken back:\n${output.slice(-SHOWN)}`], again: [] };
	const ofHost = (tree: Tree): Tree => new Map([...tree].filter(([path]) => !LEFT.test(path)));
	return { by: 'back', faults: treeDifferences(ofHost(await before()), ofHost(await finalTree(cast))), again: [] };
}

/** How it came to its end, and what the last that carried it said. `returned`: the card had the system of before booted, to be taken back. */
type Finish = Pick<Survival, 'by' | 'faults'> & { last: string; returned?: boolean };

/** Does what a person does until the upgrade is at its end. */
export async function finish(cast: Cast, first: Ended, kind: Kind): Promise<Finish> {
	const { host } = cast;
	let by: Survival['by'] = 'itself';
	let ended = first;
	for (let tries = 0; ended.code !== 0; tries++) {
		if (tries >= MOST_TRIES) {
			const last = `${kind}: not at its end after ${tries} tries; ${host.state}: ${ended.output.slice(-SHOWN)}`;
			return { by, faults: [last], last };
		}
		// It does not answer, or nothing starts on it any more: somebody walks there.
		const dumb = tries > 1 || /E_NOT_BACK|E_NEVER_REBOOTED/.test(ended.output);
		if (dumb && host.state === 'up') await powerCycle(cast);
		if (dumb && by !== 'card') by = 'power cycle';
		const up = await bringUp(cast, tries > 1 && (await isHalf(cast)));
		if (up.card) by = 'card';
		if (up.fault !== undefined) return { by, faults: [up.fault], last: ended.output };
		if (up.returned === true) return { by, faults: [], last: ended.output, returned: true };
		if (by === 'itself') by = 'resumed';
		ended = await cast.through(cast.goOn());
	}
	return { by, faults: [], last: ended.output };
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

async function powerCycle({ host }: Cast): Promise<void> {
	await host.powerOff();
	await host.powerOn().catch(() => {});
}

/** How the host differs from what an uninterrupted run makes it. Turns it off. */
export async function finalFaults(cast: Cast, reference: Reference): Promise<string[]> {
	return treeDifferences(reference.tree, await finalTree(cast));
}

async function finalTree({ host }: Cast): Promise<Tree> {
	await host.powerOff();
	return host.withDisk((root) => {
		const tree = treeOf(root);
		if (existsSync(join(root, 'var/db/bsdup/lock'))) tree.set('var/db/bsdup/lock', 'the host is still held');
		return tree;
	});
}
