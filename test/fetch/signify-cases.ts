/** A signed list and a key, and in words what was done to them. */
export interface SignifyCase {
	signed: Buffer;
	key: Buffer;
	how: string;
}

/** Numbers from 0 up to, not including, 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** `count` cases of every kind below, of a few messages; key 0 signs, key 1 does not. */
export function signifyCases(
	count: number,
	random: () => number,
	signer: { key: (which: 0 | 1) => Buffer; sign: (message: Buffer) => Buffer },
): SignifyCase[] {
	const below = (n: number): number => Math.floor(random() * n);
	const oneOf = <T>(list: readonly T[]): T => list[below(list.length)] as T;
	const signedOnes = Array.from({ length: 8 }, (_, index) => {
		const bytes = Buffer.from(Array.from({ length: index === 0 ? 0 : below(600) }, () => (index % 2 === 0 ? below(256) : 97 + below(26))));
		return signer.sign(bytes);
	});
	const [key, otherKey] = [signer.key(0), signer.key(1)];

	const change = (bytes: Buffer): Buffer => {
		const copy = Buffer.from(bytes);
		const at = below(copy.length);
		copy[at] = random() < 0.5 ? (copy[at] ?? 0) ^ (1 << below(8)) : below(256);
		return copy;
	};
	const insert = (bytes: Buffer, what: string, at = below(bytes.length + 1)): Buffer =>
		Buffer.concat([bytes.subarray(0, at), Buffer.from(what, 'latin1'), bytes.subarray(at)]);
	const remove = (bytes: Buffer): Buffer => {
		const at = below(bytes.length);
		return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(4))]);
	};
	const cut = (bytes: Buffer): Buffer => bytes.subarray(0, below(bytes.length + 1));
	/** The base64 of the second line, by bytes or by letters. */
	const second = (bytes: Buffer, edit: (line: string) => string): Buffer => {
		const start = bytes.indexOf('\n') + 1;
		const end = bytes.indexOf('\n', start);
		return Buffer.concat([
			bytes.subarray(0, start),
			Buffer.from(edit(bytes.toString('latin1', start, end)), 'latin1'),
			bytes.subarray(end),
		]);
	};
	const white = (line: string): string => {
		const at = below(line.length + 1);
		return line.slice(0, at) + oneOf([' ', '\t', '\r', '\v', '\f', '  ', '\xa0', '\x85', '\x1c']) + line.slice(at);
	};
	const bits = (line: string): string => change(Buffer.from(line, 'base64')).toString('base64');
	const tail = (line: string): string => line + oneOf(['=', '==', ' ', 'A', 'AAAA', '\0', '\0AAAA', ' =', '\r', '=\r']);
	const last = (line: string): string => line.replace(/[^=](=*)$/, `${oneOf([...'ABCDEFGHwxyz0189+/'])}$1`);
	const shorter = (line: string): string => line.slice(0, -1 - below(4));
	const comment = (bytes: Buffer): Buffer => {
		const text = oneOf(['x', '', 'x'.repeat(1022 + below(4)), 'verify with ../x', 'a\rb', 'a\0b', '\xff', 'x'.repeat(1950 + below(40))]);
		return Buffer.concat([Buffer.from(`untrusted comment: ${text}`, 'latin1'), bytes.subarray(bytes.indexOf('\n'))]);
	};
	const prefix = (bytes: Buffer): Buffer =>
		Buffer.from(
			bytes
				.toString('latin1')
				.replace('untrusted comment: ', oneOf(['untrusted comment:', 'Untrusted comment: ', '', ' untrusted comment: '])),
			'latin1',
		);
	const crlf = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
	const kinds: [string, (bytes: Buffer) => Buffer][] = [
		['a byte changed', change],
		['something put in', (bytes) => insert(bytes, oneOf(['x', '\n', '\r', ' ', '\0', '=']))],
		['something after it', (bytes) => insert(bytes, oneOf(['x', '\n', '\0', 'garbage\n']), bytes.length)],
		['bytes left out', remove],
		['cut off', cut],
		['white space in base64', (bytes) => second(bytes, white)],
		['a bit of base64 changed', (bytes) => second(bytes, bits)],
		['something after base64', (bytes) => second(bytes, tail)],
		['the last letter of base64', (bytes) => second(bytes, last)],
		['less base64', (bytes) => second(bytes, shorter)],
		['another comment', comment],
		['another beginning', prefix],
		['CR LF', crlf],
	];

	return Array.from({ length: count }, (_, index) => {
		const signed = oneOf(signedOnes);
		if (index % 8 === 0) return { signed, key, how: 'nothing changed' };
		if (index % 16 === 1) return { signed, key: otherKey, how: 'with another key' };
		const [how, spoil] = oneOf(kinds);
		return random() < 0.75 ? { signed: spoil(signed), key, how: `list: ${how}` } : { signed, key: spoil(key), how: `key: ${how}` };
	});
}
