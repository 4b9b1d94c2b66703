import { shown } from './shown.ts';
import { BLOCK, isZero, parseHeader, paxRecords } from './tar-header.ts';
import { type Described, type Member, memberOf } from './tar-member.ts';

/** What is wrong with the chain of volumes, and in which of them. */
export interface Fault {
	volume: string;
	says: string;
}

/** How the head of a volume continues what came before it. */
export interface Head {
	/** The number in its label (`tar -V`), null without one. */
	label: number | null;
	/** The file it goes on with; null where it names none. */
	goesOn: { name: string; left: number; offset: number } | null;
	/** Bytes of both, which are no part of the joined archive. */
	bytes: number;
}

/** Where in the archive a walk stands. */
export type Position = { at: 'start' | 'between' | 'described' | 'end' } | { at: 'data'; name: string; left: number; size: number };

/** Names are cut to this many bytes in the header of a continuation; tar says so and goes on. */
const NAME_FIELD = 100;

/**
 * Walks an archive block by block as its bytes come, across volumes. Volumes of `tar -M` begin with a header that names the
 * file they go on with (F:C); it and a label are taken off, so that what is walked is the joined archive. A break may lie
 * anywhere, also within a long name. Stops at the first fault.
 */
export class TarWalk {
	fault: Fault | null = null;
	readonly heads = new Map<string, Head>();
	readonly #multi: boolean;
	readonly #onMember: (member: Member) => void;
	#volume = '';
	#before = '';
	/** The head of a volume is still to be read. */
	#head = false;
	#ended = false;
	#begun = false;
	#rest: Buffer = Buffer.alloc(0);
	/** Data of the present member: bytes to come, with and without what fills the last block. */
	#data = { name: '', size: 0, left: 0, padded: 0 };
	/** A long name or pax records being read. */
	#capture: { type: string; pieces: Buffer[] } | null = null;
	#holes = false;
	/** How the head goes on where it names a file of which a part came before, though none is broken off: of a sparse one that is its holes. */
	#partly = '';
	#next: Described = {};

	/** `multi`: the volumes are those of `tar -M`; otherwise pieces of one stream. */
	constructor(multi: boolean, onMember: (member: Member) => void = () => {}) {
		this.#multi = multi;
		this.#onMember = onMember;
	}

	/** What follows is of this volume. */
	begin(volume: string): void {
		if (this.#multi && this.#rest.length > 0) this.#fail(`${this.#rest.length} bytes too many, or cut off within a block`);
		this.#before = this.#volume;
		this.#volume = volume;
		this.#head = this.#multi;
		if (this.#multi) this.heads.set(volume, { label: null, goesOn: null, bytes: 0 });
	}

	/** Bytes that may be left out by `skip` instead of being written. */
	get skippable(): number {
		const reading = this.#head || this.#rest.length > 0 || this.#capture !== null || this.#holes;
		return reading || this.fault !== null ? 0 : this.#data.padded;
	}

	/** Passes over bytes of the archive; not more than `skippable`. */
	skip(bytes: number): void {
		this.#take(bytes);
	}

	/** The next bytes of the volume. */
	write(bytes: Buffer): void {
		let at = 0;
		while (at < bytes.length && this.fault === null) {
			const free = Math.min(this.skippable, bytes.length - at);
			if (free > 0) {
				this.#take(free);
				at += free;
				continue;
			}
			const piece = bytes.subarray(at, at + BLOCK - this.#rest.length);
			at += piece.length;
			const block = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
			this.#rest = block.length < BLOCK ? Buffer.from(block) : Buffer.alloc(0);
			if (block.length === BLOCK) this.#block(block);
		}
	}

	/** Where in the archive the walk stands. */
	get position(): Position {
		const { name, size, left, padded } = this.#data;
		if (this.#ended) return { at: 'end' };
		if (!this.#begun) return { at: 'start' };
		if (this.#capture !== null || this.#holes || Object.keys(this.#next).length > 0) return { at: 'described' };
		return padded > 0 ? { at: 'data', name, left, size } : { at: 'between' };
	}

	/** All volumes are through: the archive must have come to its end. */
	finish(): void {
		if (this.#rest.length > 0) this.#fail(`${this.#rest.length} bytes too many, or cut off within a block`);
		const position = this.position;
		if (position.at === 'end') return;
		const where = position.at === 'data' ? `, ${position.left} bytes of ${shown(position.name)} are to come` : '';
		this.#fail(`the archive does not end here${where}: it is cut off, or a volume after it is missing`);
	}

	#fail(says: string, volume = this.#volume): void {
		this.fault ??= { volume, says };
	}

	#take(bytes: number): void {
		this.#data.padded -= bytes;
		this.#data.left = Math.max(0, this.#data.left - bytes);
	}

	#block(block: Buffer): void {
		if (this.#head && this.#takeHead(block)) return;
		if (this.#partly !== '' && parseHeader(block) === null) this.#discontinued(this.#partly);
		this.#partly = '';
		if (this.#ended) {
			if (!isZero(block)) this.#fail('there are more bytes after the end of the archive');
		} else if (this.#capture !== null) this.#captured(block);
		else if (this.#holes) this.#holes = block[504] !== 0;
		else if (this.#data.padded > 0) this.#take(BLOCK);
		else if (isZero(block)) this.#ended = true;
		else this.#header(block);
	}

	/** True when the block belongs to the volume's head. */
	#takeHead(block: Buffer): boolean {
		const head = this.heads.get(this.#volume);
		const header = parseHeader(block);
		if (head === undefined) return false;
		if (header?.type === 'V' && head.bytes === 0) {
			head.label = Number(/ Volume (\d+)$/.exec(header.name)?.[1] ?? Number.NaN) || null;
			head.bytes = BLOCK;
			return true;
		}
		this.#head = false;
		const { left, size, name } = this.#data;
		// Within what describes a file, the head names some file that is still to come.
		const within = this.position.at === 'data';
		if (header?.type !== 'M') {
			if (within) this.#discontinued('does not say what it goes on with');
			return false;
		}
		head.goesOn = { name: header.name, left: header.size, offset: header.offset };
		head.bytes += BLOCK;
		if (!this.#begun) this.#fail(`it goes on with ${shown(header.name)}: the volume before it is missing`);
		else if (within) {
			const same = name.slice(0, NAME_FIELD) === header.name.slice(0, NAME_FIELD) && left === header.size;
			if (!same || header.offset > size) this.#discontinued(`goes on with ${header.size} bytes of ${shown(header.name)}`);
		} else if (header.offset > 0 && this.position.at !== 'described')
			this.#partly = `goes on with ${header.size} bytes of ${shown(header.name)}`;
		return true;
	}

	#discontinued(how: string): void {
		const { left, name, padded } = this.#data;
		const end = padded > 0 ? `ends with ${left} bytes of ${shown(name)} to come` : 'ends between two files';
		this.#fail(`it ${how}, but ${this.#before} ${end}: a volume between is missing, they are in the wrong order, or one is cut off`);
	}

	#header(block: Buffer): void {
		const header = parseHeader(block);
		if (header === null) {
			this.#fail(this.#begun ? 'a header is damaged' : 'it is no tar archive');
			return;
		}
		this.#begun = true;
		if ('LKxg'.includes(header.type)) {
			this.#capture = { type: header.type, pieces: [] };
			this.#data = data(header.name, header.size);
			if (header.size === 0) this.#capture = null;
			return;
		}
		if (header.type === 'V' || header.type === 'M') {
			this.#fail(`a head of a volume (${shown(header.name)}) within another`);
			return;
		}
		const { member, size } = memberOf(header, this.#next, this.#volume);
		this.#next = {};
		// What has no data may have a size all the same.
		this.#data = data(member.name, '23456'.includes(header.type) ? 0 : size, member.size);
		this.#holes = header.extended;
		this.#onMember(member);
	}

	#captured(block: Buffer): void {
		const { left } = this.#data;
		this.#capture?.pieces.push(Buffer.from(block.subarray(0, left)));
		this.#take(BLOCK);
		if (this.#capture === null || this.#data.padded > 0) return;
		const { type, pieces } = this.#capture;
		this.#capture = null;
		const bytes = Buffer.concat(pieces);
		if (type === 'x') this.#next.pax = paxRecords(bytes);
		else if (type === 'g') {
			if (paxRecords(bytes).has('GNU.volume.filename'))
				this.#fail('its volumes are in pax form, which is not known here: use GNU tar itself');
		} else this.#next[type === 'L' ? 'name' : 'link'] = bytes.toString('latin1').replace(/\0.*$/s, '');
	}
}

function data(name: string, left: number, size = left): { name: string; size: number; left: number; padded: number } {
	return { name, size, left, padded: Math.ceil(left / BLOCK) * BLOCK };
}
