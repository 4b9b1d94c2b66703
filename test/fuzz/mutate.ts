import type { Random } from './random.ts';

/** Pieces that parsers trip over. */
const TRICKY = [
	...[
		'\0',
		'\n',
		'\r\n',
		'\r',
		'\t',
		' ',
		'"',
		"'",
		'\\',
		'{',
		'}',
		'[',
		']',
		':',
		',',
		'#',
		'!',
		'*',
		'?',
		'|',
		'=',
		'(',
		')',
		'&a',
		'*a',
		'<<: ',
	],
	...['-1', '1e999', '9007199254740993', '0x10', 'NaN', 'null', 'true', '1e309', '-0', '__proto__', 'constructor', 'toString'],
	...[
		'\u2028',
		'\ufeff',
		'\ud800',
		'\u00fc',
		'\u202e',
		'%s',
		'%n',
		'%%',
		'${x}',
		'{{x}}',
		'../../',
		'|1|',
		'@revoked',
		'(a+)+$',
		'\x1b[2J',
	],
];
const MOST_CHANGES = 6;
const LONGEST = 200_000;

type Change = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const splice = (bytes: Buffer, from: number, to: number, put: Buffer): Buffer =>
	Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)]);

const CHANGES: Change[] = [
	(bytes, random) => splice(bytes, ...span(bytes, random, 1), Buffer.from([random.below(256)])),
	(bytes, random) => splice(bytes, ...span(bytes, random, 40), Buffer.alloc(0)),
	(bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
	(bytes, random) => {
		const at = random.below(bytes.length + 1);
		return splice(bytes, at, at, Buffer.from(random.pick(TRICKY)));
	},
	(bytes, random) => splice(bytes, ...span(bytes, random, 12), Buffer.from(random.pick(TRICKY))),
	(bytes, random) => {
		const [from, to] = span(bytes, random, 200);
		return splice(bytes, to, to, bytes.subarray(from, to));
	},
	(bytes, random) => {
		const [from, to] = span(bytes, random, 20);
		return splice(bytes, from, to, Buffer.concat(Array.from({ length: random.below(3000) }, () => bytes.subarray(from, to))));
	},
	(bytes, random, other) => splice(bytes, ...span(bytes, random, 100), other.subarray(...span(other, random, 100))),
	(bytes, random) => {
		const lines = bytes.toString('latin1').split('\n');
		const taken = lines.splice(random.below(lines.length), 1 + random.below(3));
		if (random.below(2) === 0) lines.splice(random.below(lines.length + 1), 0, ...taken, ...taken);
		return Buffer.from(lines.join('\n'), 'latin1');
	},
];

/** A few changes of `bytes`, the same for the same numbers. `other`: where pieces are taken from. */
export function mutate(bytes: Buffer, other: Buffer, random: Random): Buffer {
	let changed = bytes;
	for (let left = 1 + random.below(MOST_CHANGES); left > 0; left--) changed = random.pick(CHANGES)(changed, random, other);
	return changed.subarray(0, LONGEST);
}

function span(bytes: Buffer, random: Random, longest: number): [number, number] {
	const from = random.below(bytes.length + 1);
	return [from, Math.min(bytes.length, from + 1 + random.below(longest))];
}
