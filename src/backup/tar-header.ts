/** Everything in a tar archive comes in blocks of this many bytes. */
export const BLOCK = 512;

/** One header block (tar(5); GNU and ustar forms). Names hold one character a byte, as latin1. */
export interface Header {
	/** `0` file, `1` hard link, `2` symbolic link … `5` directory, `6` fifo; `V` label, `M` continuation, `L` `K` `x` `g` what describes others. */
	type: string;
	name: string;
	link: string;
	/** Bytes of data that follow. */
	size: number;
	/** Bytes of the file itself: of a sparse one more than follow. */
	realSize: number;
	mode: number;
	uid: number;
	gid: number;
	user: string;
	group: string;
	/** Seconds since the epoch. */
	mtime: number;
	/** Of a continuation: how many bytes of the file came before. */
	offset: number;
	/** A map of holes follows, in blocks of its own. */
	extended: boolean;
}

/** Reads a header block; null when its check sum does not hold. */
export function parseHeader(block: Buffer): Header | null {
	if (number(block, 148, 8) !== checkSum(block)) return null;
	const type = block.toString('latin1', 156, 157).replace('\0', '0');
	const name = text(block, 0, 100);
	const ustar = text(block, 257, 6) === 'ustar';
	const prefix = ustar ? text(block, 345, 155) : '';
	const size = number(block, 124, 12);
	return {
		type: type === '7' ? '0' : type,
		name: prefix === '' ? name : `${prefix}/${name}`,
		link: text(block, 157, 100),
		size,
		realSize: type === 'S' ? number(block, 483, 12) : size,
		mode: number(block, 100, 8) & 0o7777,
		uid: number(block, 108, 8),
		gid: number(block, 116, 8),
		user: text(block, 265, 32),
		group: text(block, 297, 32),
		mtime: number(block, 136, 12),
		offset: number(block, 369, 12),
		extended: type === 'S' && block[482] !== 0,
	};
}

/** Whether a block is all zeros, as the end of an archive is. */
export function isZero(block: Buffer): boolean {
	return block.every((byte) => byte === 0);
}

/** The records of a pax header: `LENGTH KEY=VALUE` and a newline each. What is malformed ends the reading. */
export function paxRecords(bytes: Buffer): Map<string, string> {
	const records = new Map<string, string>();
	for (let at = 0; at < bytes.length; ) {
		const space = bytes.indexOf(' ', at);
		const length = Number(bytes.toString('latin1', at, space));
		if (space < 0 || !(length > 0)) break;
		const [key = '', ...value] = bytes.toString('latin1', space + 1, at + length - 1).split('=');
		records.set(key, value.join('='));
		at += length;
	}
	return records;
}

function text(block: Buffer, at: number, length: number): string {
	const field = block.toString('latin1', at, at + length);
	const end = field.indexOf('\0');
	return end < 0 ? field : field.slice(0, end);
}

/** Octal digits, or base 256 where the first bit is set. */
function number(block: Buffer, at: number, length: number): number {
	const first = block[at] ?? 0;
	if ((first & 0x80) === 0) return Number.parseInt(text(block, at, length).trim() || '0', 8);
	let value = first === 0xff ? -1 : first & 0x7f;
	for (const byte of block.subarray(at + 1, at + length)) value = value * 256 + byte;
	return value;
}

function checkSum(block: Buffer): number {
	let sum = 8 * 32;
	for (let index = 0; index < BLOCK; index++) if (index < 148 || index >= 156) sum += block[index] ?? 0;
	return sum;
}
