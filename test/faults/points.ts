import { gunzipSync } from 'node:zlib';
import { keyOf, roleOf } from './key.ts';

/** A place in an upgrade at which something can be cut; `title` names it and is the same in every run. */
export type Point = {
	title: string;
	/** Of what happens on the host: it is cut there in the ways of the controller too, for its whole step. */
	stands?: boolean;
	/** Where it lies among what is told in the same way, and where all that looks the same does; see nthAfter. */
	place: number;
	alike: readonly number[];
} & (
	| { at: 'start'; pattern: string }
	| { at: 'member'; set: string; bytes: number }
	| { at: 'act'; key: string }
	| { at: 'wire' }
	| { at: 'console'; line: string }
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

/** The how many-th of its kind a point is for who waits from right behind another, or from the beginning. */
export function nthAfter({ place, alike }: Point, before?: Point): number {
	return alike.filter((one) => one <= place && one > (before?.place ?? -1)).length;
}

/** The places of each key. */
function placesOf(keys: readonly string[]): [key: string, places: number[]][] {
	const found = new Map<string, number[]>();
	keys.forEach((key, place) => void (found.get(key)?.push(place) ?? found.set(key, [place])));
	return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Which of the places at which something looks the same are points, and how they are called: the first and the middle one where there are
 * many, for their number is not the same in every run.
 */
function chosen(places: readonly number[], each = EACH): { place: number; alike: readonly number[]; called: string }[] {
	const middle = Math.ceil(places.length / 2) - 1;
	const some = places.length <= each ? places : places.filter((_, index) => index === 0 || index === middle);
	return some.map((place, index) => ({
		...{ place, alike: places },
		called: places.length > each && index > 0 ? 'middle' : String(index + 1),
	}));
}

/** Each program that changes something, right before it starts; the one in the middle of each step stands for it. */
function starts(log: readonly string[]): Point[] {
	let step = '';
	const seen: { key: string; step: string }[] = [];
	for (const line of log.filter((one) => /^\d+ \d+ (base|package|static) /.test(one)).map((one) => one.split(' ').slice(3).join(' '))) {
		step = /resume\.sh job (\S+)/.exec(line)?.[1] ?? step;
		if (!LOOKS.test(line)) seen.push({ key: roleOf(keyOf(line)), step });
	}
	const points = placesOf(seen.map(({ key }) => key)).flatMap(([key, places]) =>
		chosen(places).map(({ called, ...lies }) => ({
			title: `start ${key} (${called})`,
			at: 'start' as const,
			pattern: patternOf(key),
			...lies,
		})),
	);
	const stands = new Set<number>();
	for (const name of new Set(seen.map((one) => one.step))) {
		const own = points.filter(({ place }) => seen[place]?.step === name).sort((one, other) => one.place - other.place);
		const middle = own[Math.floor(own.length / 2)];
		if (middle !== undefined) stands.add(middle.place);
	}
	return points.map((point) => ({ ...point, stands: stands.has(point.place) }));
}

/** A sh pattern that is met by every line of the key. */
function patternOf(key: string): string {
	return key.replace(/[[\]\\?*]/g, '?').replace(/\b(RUN|BACKUP|HASH|HEX|DATE|TIME|FILE|XX|STEP)\b|\bPID\b|\bMIRROR\b/g, '*');
}

/** In the midst of each member of each set, what came before it unpacked. */
function members(sets: Record<string, Buffer>): Point[] {
	return Object.entries(sets)
		.flatMap(([set, packed]) =>
			membersOf(gunzipSync(packed)).map(({ name, half }, index, all) => ({
				...{ title: `member ${set} ${name}`, at: 'member' as const, set, bytes: half },
				stands: index === Math.floor(all.length / 2),
			})),
		)
		.map((point, place) => ({ ...point, place, alike: [place] }));
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
	return placesOf(seen).flatMap(([key, places]) =>
		chosen(places, key.endsWith('journal.jsonl') ? Number.POSITIVE_INFINITY : EACH).map(({ called, ...lies }) => ({
			...{ title: `act ${key} (${called})`, at: 'act' as const, key },
			...lies,
		})),
	);
}

function wire(pieces: number): Point[] {
	const alike = Array.from({ length: pieces }, (_, index) => index + 1);
	return Array.from({ length: pieces > 0 ? WIRE_POINTS : 0 }, (_, index) => ({
		title: `wire ${index + 1}/${WIRE_POINTS}`,
		at: 'wire' as const,
		// A run in a hurry has fewer pieces than the one that taught; each of its last words is an act on the journal.
		place: Math.max(1, Math.floor((0.9 * pieces * (index + 1)) / (WIRE_POINTS + 1))),
		alike,
	}));
}

/** As soon as the console says a line: the firmware, the loader, the install kernel and rc(8) start nothing that a trap could hold. */
function said(console: string): Point[] {
	const lines = console.split('\n').map(keyOf);
	return placesOf(lines.filter((line) => SAID.test(line))).flatMap(([line, places]) =>
		chosen(places).map(({ called, ...lies }) => ({ title: `console ${line} (${called})`, at: 'console' as const, line, ...lies })),
	);
}

/** How often the console has said it. */
export function timesSaid(console: string, line: string): number {
	return console.split('\n').filter((one) => keyOf(one) === line).length;
}
