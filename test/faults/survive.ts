import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { carry, finish, SHOWN, type Way } from './carry.ts';
import { type Case, ONCE } from './cuts.ts';
import { deedsOf, doneAgain, type Tree, treeDifferences, treeOf } from './final.ts';
import { type Learned, type Point, pointsOf } from './points.ts';
import type { Cast, Scene } from './scene.ts';

/** How an upgrade came to its end that was cut, or what is wrong. */
export interface Survival {
	/** How it went on after each cut, in their order; the points of cases behind these were not met. */
	ways: Way[];
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

/**
 * Runs the upgrade, cuts it at the point of each case, which are all of kinds that are judged alike, brings it to its end as a person
 * would, and compares.
 */
export async function survive(scene: Scene, reference: Reference, cases: readonly Case[]): Promise<Survival> {
	const kind = cases[0]?.kind ?? 'kill';
	const cast = await scene.cast();
	try {
		const { ways, faults, last, end } = await carry(cast, cases);
		if (ways.length === 0 || faults.length > 0) return { ways, faults, again: [] };
		if (end === 'returned') {
			const wrong = await takeBack(cast, reference);
			return { ways, faults: wrong ?? ['the system of before was booted, and is past the point of no return'], again: [] };
		}
		if (end === 'killed') {
			const wrong = await takeBack(cast, reference);
			if (wrong !== undefined) return { ways: ['back'], faults: wrong, again: [] };
			const { faults: more } = await finish(cast, { code: null, output: last });
			if (more.length > 0) return { ways, faults: more, again: [] };
		}
		const again = doneAgain(reference.deeds, deedsOf(cast.host.processLog()));
		const before = kind === 'full' ? await reference.before() : undefined;
		const wrong = (await finalFaults(cast, reference)).filter((fault) => before === undefined || !isForRoom(fault, before));
		if (ONCE.includes(kind)) {
			wrong.push(...again.map((deed) => `done again: ${deed}`));
			wrong.push(...ways.filter((way) => way !== 'itself' && way !== 'resumed').map((way) => `it took a ${way}`));
		}
		if (wrong.length > 0) wrong.push(`the last that went on said:\n${last.slice(-SHOWN)}`);
		return { ways, faults: wrong, again };
	} finally {
		await cast.destroy();
	}
}

/** Whether a full disk may leave this: what a boot had no room for, and a loader that stayed as it was. */
function isForRoom(fault: string, before: Tree): boolean {
	const [, path = '', is] = LOADER.exec(fault) ?? [];
	return LEFT_BY_BOOT.test(fault) || OLD_LOADER.test(fault) || (is !== undefined && before.get(path) === is);
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

/** Takes it back, and tells how the host differs from what it was. undefined: it is past the point of no return, or at its end by then, and was told so. */
async function takeBack(cast: Cast, { before }: Reference): Promise<string[] | undefined> {
	const { code, output } = await cast.through(cast.goBack(), () => cast.goBack());
	if (/point of no return|this run is at its end, and is not taken back any more/.test(output)) return undefined;
	if (code !== 0) return [`it was not taken back:\n${output.slice(-SHOWN)}`];
	const ofHost = (tree: Tree): Tree => new Map([...tree].filter(([path]) => !LEFT.test(path)));
	return treeDifferences(ofHost(await before()), ofHost(await finalTree(cast)));
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
