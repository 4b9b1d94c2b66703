import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PracticeHost } from '../lab/practice-host.ts';
import type { Point } from './points.ts';
import type { Cast, Running } from './scene.ts';

export const KINDS = ['kill', 'drop', 'silent', 'power', 'reboot', 'full', 'clock', 'back'] as const;
/** What happens at a point: to the controller, the line between, the host's power, its disk, its clock; back: a kill after which it is taken back. */
export type Kind = (typeof KINDS)[number];

/** A point with a kind of cut; `number` finds it again. */
export interface Case {
	number: number;
	point: Point;
	kind: Kind;
}

/** Longer than the keepalives take to find a silent connection out. Milliseconds. */
const AWAY_MS = 20_000;
/** In this time the file system writes names and not yet data. Milliseconds. */
const HALF_WRITTEN_MS = 1_500;
const DAY = 86_400;

/** Kinds after which nothing may have been done twice: what ran on the host went on, or ended as it was recorded. */
export const ONCE: readonly Kind[] = ['kill', 'drop', 'silent', 'clock'];

/** What is done to the controller and its line; what is done to the host. */
const OF_CONTROLLER: readonly Kind[] = ['kill', 'drop', 'silent', 'clock'];
const OF_HOST: readonly Kind[] = ['power', 'reboot', 'full'];

/**
 * The kinds that are tried at a point, over SSH or at the console. `every`: all that mean something there. Else what cannot know of each
 * other is not multiplied: a detached job goes on whatever becomes of the controller, which learns of it by the wire alone; so the
 * controller is cut at all its own acts, at places on the wire and once in each step of the host, and the host at all its own, and
 * where the controller writes what it has learned.
 */
export function kindsAt(point: Point, over: 'ssh' | 'console', every = false): Kind[] {
	const ofHost = point.at === 'start' || point.at === 'member' || point.at === 'console';
	return KINDS.filter((kind) => {
		if (kind === 'back') return point.stands === true;
		if (over === 'console' && (kind === 'drop' || kind === 'silent')) return false;
		if ((point.at === 'wire' || point.at === 'console') && (kind === 'full' || kind === 'clock')) return false;
		if (every || point.at === 'wire') return true;
		// Between a line of the journal and its sync nothing else happens: only what ends the controller, or its disk, meets it there.
		if (point.at === 'act' && point.key === 'fsyncSync RUN/journal.jsonl')
			return kind === 'kill' || (over === 'console' && (kind === 'power' || kind === 'full'));
		if (ofHost) return OF_HOST.includes(kind) || point.stands === true;
		return OF_CONTROLLER.includes(kind) || (point.at === 'act' && point.key.endsWith('journal.jsonl'));
	});
}

/**
 * Cuts, while something is held by the trap, and lets go of it. `next` sets the trap for the cut that comes after, where the host stays up;
 * else that is for the caller to do. Resolves when the host is as it is found by who goes on.
 */
export async function cut(kind: Kind, cast: Cast, running: Running, number: number, next?: () => void): Promise<void> {
	const { host, trap } = cast;
	switch (kind) {
		case 'kill':
		case 'back':
			running.kill();
			trap.release(next);
			break;
		case 'drop':
			host.dropConnections();
			trap.release(next);
			break;
		case 'silent':
			host.cutNetwork();
			trap.release(next);
			await sleep(AWAY_MS);
			host.mendNetwork();
			break;
		case 'power':
			// At once, or when the names are on the disk and the data is not.
			await sleep(number % 2 === 0 ? 0 : HALF_WRITTEN_MS);
			await host.powerCut();
			trap.release();
			await host.powerOn().catch(() => {});
			break;
		case 'reboot': {
			const boots = host.boots;
			host.pressButton();
			trap.release();
			await host.upAgain(boots + 1).catch(() => {});
			break;
		}
		case 'full':
			fill(host.tree);
			trap.release();
			await running.ended;
			await makeRoom(host);
			break;
		case 'clock': {
			const ahead = number % 2 === 0 ? DAY : -DAY;
			host.setClock(ahead);
			trap.release(next, ahead);
			break;
		}
	}
}

const FILLER = 'filler';

/** Takes all that is free on a file system, without writing it. */
function fill(root: string): void {
	const filler = join(root, FILLER);
	for (let before = Number.POSITIVE_INFINITY; ; ) {
		const { bfree, bsize } = statfsSync(root);
		// As much as there is, in as few pieces as it takes: it ends with what fits, and says that there was not room for all.
		if (bfree === 0 || bfree >= before) return;
		before = bfree;
		const size = existsSync(filler) ? statSync(filler).size : 0;
		spawnSync('fallocate', ['-o', String(size), '-l', String(bfree * bsize), filler]);
	}
}

/** Takes that away again, also where the host has rebooted since, or does not come up. */
async function makeRoom(host: PracticeHost): Promise<void> {
	await host.upAgain(host.boots).catch(() => host.powerOff());
	if (host.state === 'up') takeAway(host.tree);
	else host.withDisk(takeAway);
}

/** One that was laid before a reboot is in the boot environment that was left: below the disk's own root, or where a host has its pool. */
function takeAway(root: string): void {
	const places = ['be', 'lab/pool/be'].map((dir) => join(root, dir)).filter((dir) => existsSync(dir));
	const environments = places.flatMap((dir) => readdirSync(dir).map((name) => join(dir, name)));
	for (const top of [root, ...environments]) rmSync(join(top, FILLER), { force: true });
}
