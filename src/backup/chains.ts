import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { BLOCK, type Header, isZero, parseHeader } from './tar-header.ts';

/** Names in a continuation's header are cut to this. */
const NAME_FIELD = 100;
/** In the order a person counts: `x.2` before `x.10`. */
const { compare } = new Intl.Collator('en', { numeric: true });

interface Ends {
	file: string;
	label: number | null;
	/** What its head goes on with; null where it names nothing, as the first volume. */
	goesOn: { name: string; left: number; offset: number } | null;
	/** The file it is broken off in; `open` = broken off elsewhere, `end` = the archive ends here. */
	tail: { name: string; left: number } | 'open' | 'end';
}

/**
 * Puts volumes of `tar -M` in order by what each says it goes on with (F:C), a chain an archive; files that are no such volumes
 * are left out. Where a break lies between two files nothing tells what follows: then labels, then the order of names.
 */
export async function orderVolumes(dir: string, files: readonly string[]): Promise<string[][]> {
	const all: Ends[] = [];
	for (const file of [...files].sort(compare)) {
		const ends = await endsOf(dir, file);
		if (ends !== null) all.push(ends);
	}
	const used = new Set<Ends>();
	const follow = (first: Ends): string[] => {
		const chain: string[] = [];
		for (let one: Ends | undefined = first; one !== undefined; one = nextOf(one, all, used)) {
			used.add(one);
			chain.push(one.file);
		}
		return chain;
	};
	const chains = all.filter(({ goesOn }) => goesOn === null).flatMap((one) => (used.has(one) ? [] : [follow(one)]));
	const left = all.filter((one) => !used.has(one)).map(({ file }) => file);
	// What no chain goes on with stays with the only one, so that the check can tell where the gap is.
	if (left.length === 0) return chains;
	return chains.length === 1 && chains[0] !== undefined ? [[...chains[0], ...left]] : [...chains, left];
}

function nextOf({ file, tail, label }: Ends, all: readonly Ends[], used: ReadonlySet<Ends>): Ends | undefined {
	if (tail === 'end') return undefined;
	const free = all.filter((other) => !used.has(other));
	if (tail !== 'open') return free.find(({ goesOn }) => goesOn !== null && goesOn.left === tail.left && goesOn.name === tail.name);
	const loose = free.filter(({ goesOn }) => goesOn === null || goesOn.offset === 0);
	return loose.find((other) => label !== null && other.label === label + 1) ?? loose.find((other) => compare(other.file, file) > 0);
}

/** Reads only headers. Null for what is no volume. */
async function endsOf(dir: string, file: string): Promise<Ends | null> {
	const disk = await open(join(dir, file)).catch(() => null);
	if (disk === null) return null;
	try {
		const { size } = await disk.stat();
		const head = await blockAt(disk, 0);
		const label = parseHeader(head)?.type === 'V' ? Number(/ Volume (\d+)\0/.exec(head.toString('latin1', 0, 100))?.[1]) || null : null;
		let at = parseHeader(head)?.type === 'V' ? BLOCK : 0;
		const first = parseHeader(await blockAt(disk, at));
		if (first === null) return null;
		let goesOn: Ends['goesOn'] = null;
		if (first.type === 'M') {
			goesOn = { name: first.name.slice(0, NAME_FIELD), left: first.size, offset: first.offset };
			at = await afterHead(disk, at + BLOCK, goesOn, size);
			if (at > size) return { file, label, goesOn, tail: { name: goesOn.name, left: goesOn.left - (size - (at - padded(goesOn.left))) } };
		}
		return { file, label, goesOn, tail: await tailOf(disk, at, size) };
	} finally {
		await disk.close();
	}
}

/** Where the first header comes after a continuation: what was cut may be data of the named file, or a long name before it. */
async function afterHead(disk: FileHandle, at: number, { left, offset }: { left: number; offset: number }, size: number): Promise<number> {
	const after = at + padded(left);
	if (offset > 0) return after;
	const here = await blockAt(disk, at);
	if (parseHeader(here) !== null || isZero(here)) return at;
	if (after > size || parseHeader(await blockAt(disk, after)) !== null) return after;
	for (let next = at; next < size; next += BLOCK) if (parseHeader(await blockAt(disk, next)) !== null) return next;
	return size;
}

async function tailOf(disk: FileHandle, from: number, size: number): Promise<Ends['tail']> {
	let longName = '';
	for (let at = from; at < size; ) {
		const block = await blockAt(disk, at);
		const header = parseHeader(block);
		if (header === null) return isZero(block) ? 'end' : 'open';
		at += BLOCK;
		if (header.type === 'L') longName = (await blockAt(disk, at)).toString('latin1', 0, Math.min(NAME_FIELD, header.size - 1));
		for (let holes = header.extended; holes && at < size; at += BLOCK) holes = (await blockAt(disk, at))[504] !== 0;
		const { length, describes } = dataOf(header);
		if (at + length > size || (at === size && length > 0)) {
			return describes ? 'open' : { name: longName || header.name.slice(0, NAME_FIELD), left: header.size - (size - at) };
		}
		at += length;
		if (!describes) longName = '';
	}
	return 'open';
}

function dataOf({ type, size }: Header): { length: number; describes: boolean } {
	return { length: '23456'.includes(type) ? 0 : padded(size), describes: 'LKxg'.includes(type) };
}

function padded(bytes: number): number {
	return Math.ceil(bytes / BLOCK) * BLOCK;
}

async function blockAt(disk: FileHandle, at: number): Promise<Buffer> {
	const block = Buffer.alloc(BLOCK);
	await disk.read(block, 0, BLOCK, at);
	return block;
}
