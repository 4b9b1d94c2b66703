import { gunzipSync } from 'node:zlib';
import { keyOf, roleOf } from './key.ts';

/** A place in an upgrade at which something can be cut; `title` names it and is the same in every run. */
export type Point = {
	title: string;
	/** Of what happens on the host: it is cut there in the ways of the controller too, for its whole step. */
	stands?: boolean;
} & (
	| { at: 'start'; nth: number; pattern: string }
	| { at: 'member'; set: string; bytes: number }
	| { at: 'act'; nth: number; key: string }
	| { at: 'wire'; piece: number }
	| { at: 'console'; nth: number; line: string }
);

/** What an uninterrupted run showed. */
export interface Learned {
	/** The host's process log. */
	log: readonly string[];
	/** What the controller did to its files, as the preload tells it. */
	acts: readonly string[];
	/** Pieces of data that went over the wire. */
	pieces: number;
	/** What the host's console said. */
	console: string;
	/** The sets that the zone unpacks, as they are on the mirror. */
	sets: Record<string, Buffer>;
}

/** Asked again and again while a job runs, or by the boot itself: a cut there is a cut before what comes next. */
const LOOKS =
	/^\S*\/(printf|ps|cat|dd|sleep|tail|wc|date|hostname|cmp|sed|grep|awk|tr|xargs|ls|df|du|id|uname|dmesg|mount|pgrep|head|sort|stat|true|test|kill|ksh|sshd|find|gzip|cut|expr|nohup)\b|^\S*\/mkdir -p \S*\/jobs$|^\S*\/sysctl -n|^\S*\/sh( -e| -c .*)?$|resume\.sh (states|poll|look|verdict|proof|last|follow|busy|report)\b|^\S*\/pkg_info|^\S*\/sha256 -q|^\S*\/cksum|^\S*\/rm -rf \/tmp\/|^\S*\/sh \/etc\/rc/;
/** Occurrences of one key of which each is a point of its own; of more, two are. */
const EACH = 3;
/** Words, and no time of day or number of a process, which no two runs have alike. */
const SAID = /^(?!.*\d\d:\d\d)\S.{3,}/;
const WIRE_POINTS = 40;
const BLOCK = 512;

/** All points of a run, in one order whatever ran side by side. */
export function pointsOf(learned: Learned): Point[] {
	return [...starts(learned.log), ...members(learned.sets), ...acts(learned.acts), ...wire(learned.pieces), ...said(learned.console)];
}

function counted(keys: readonly string[]): [key: string, count: number][] {
	const counts = new Map<string, number>();
	for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
	return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Which of `count` occurrences are points, and how they are called: the first and the middle one where there are many, for their number
 * is not the same in every run.
 */
function chosen(count: number, each = EACH): [nth: number, called: string][] {
	if (count <= each) return Array.from({ length: count }, (_, index) => [index + 1, String(index + 1)]);
	return [
		[1, '1'],
		[Math.ceil(count / 2), 'middle'],
	];
}

/** Each program that changes something, right before it starts; the one in the middle of each step stands for it. */
function starts(log: readonly string[]): Point[] {
	let step = '';
	const seen: { key: string; step: string }[] = [];
	for (const line of log.filter((one) => /^\d+ \d+ (base|package|static) /.test(one)).map((one) => one.split(' ').slice(3).join(' '))) {
		step = /resume\.sh job (\S+)/.exec(line)?.[1] ?? step;
		if (!LOOKS.test(line)) seen.push({ key: roleOf(keyOf(line)), step });
	}
	const points = counted(seen.map(({ key }) => key)).flatMap(([key, count]) =>
		chosen(count).map(([nth, called]) => {
			const at = seen.findIndex(
				(one, index) => one.key === key && seen.slice(0, index + 1).filter((same) => same.key === key).length === nth,
			);
			return { title: `start ${key} (${called})`, at: 'start' as const, nth, pattern: patternOf(key), index: at };
		}),
	);
	const stands = new Set<number>();
	for (const name of new Set(seen.map((one) => one.step))) {
		const own = points.filter(({ index }) => seen[index]?.step === name).sort((one, other) => one.index - other.index);
		const middle = own[Math.floor(own.length / 2)];
		if (middle !== undefined) stands.add(middle.index);
	}
	return points.map(({ index, ...point }) => ({ ...point, stands: stands.has(index) }));
}

/** A sh pattern that is met by every line of the key. */
function patternOf(key: string): string {
	return key.replace(/[[\]\\?*]/g, '?').replace(/\b(RUN|BACKUP|HASH|HEX|TIME|FILE|XX|STEP)\b|\bPID\b|\bMIRROR\b/g, '*');
}

/** In the midst of each member of each set, what came before it unpacked. */
function members(sets: Record<string, Buffer>): Point[] {
	return Object.entries(sets).flatMap(([set, packed]) =>
		membersOf(gunzipSync(packed)).map(({ name, half }, index, all) => ({
			...{ title: `member ${set} ${name}`, at: 'member' as const, set, bytes: half },
			stands: index === Math.floor(all.length / 2),
		})),
	);
}

/** Name, and the offset of the middle of its data, of each member of a tar (ustar). */
function membersOf(tar: Buffer): { name: string; half: number }[] {
	const found: { name: string; half: number }[] = [];
	for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
		const text = (from: number, length: number): string => tar.toString('latin1', at + from, at + from + length).replace(/\0.*$/s, '');
		const size = Number.parseInt(text(124, 12), 8);
		found.push({ name: text(0, 100), half: at + BLOCK + Math.floor(size / 2) });
		at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
	}
	return found;
}

/** Before each thing the controller does to its files: every act on the journal, blocks of each file fetched. */
function acts(seen: readonly string[]): Point[] {
	return counted(seen).flatMap(([key, count]) =>
		chosen(count, key.endsWith('journal.jsonl') ? Number.POSITIVE_INFINITY : EACH).map(([nth, called]) => ({
			title: `act ${key} (${called})`,
			at: 'act' as const,
			nth,
			key,
		})),
	);
}

function wire(pieces: number): Point[] {
	return Array.from({ length: pieces > 0 ? WIRE_POINTS : 0 }, (_, index) => ({
		title: `wire ${index + 1}/${WIRE_POINTS}`,
		at: 'wire' as const,
		// A run in a hurry has fewer pieces than the one that taught; each of its last words is an act on the journal.
		piece: Math.max(1, Math.floor((0.9 * pieces * (index + 1)) / (WIRE_POINTS + 1))),
	}));
}

/** As soon as the console says a line: the firmware, the loader, the install kernel and rc(8) start nothing that a trap could hold. */
function said(console: string): Point[] {
	return counted(
		console
			.split('\n')
			.map(keyOf)
			.filter((line) => SAID.test(line)),
	).flatMap(([line, count]) =>
		chosen(count).map(([nth, called]) => ({ title: `console ${line} (${called})`, at: 'console' as const, nth, line })),
	);
}

/** Whether the console has said it that often. */
export function hasSaid(console: string, { nth, line }: { nth: number; line: string }): boolean {
	return console.split('\n').filter((one) => keyOf(one) === line).length >= nth;
}
