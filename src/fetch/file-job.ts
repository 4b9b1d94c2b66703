import { BsdupError } from '../errors.ts';
import type { FileToFetch } from './download.ts';
import { FrontHash } from './front-hash.ts';
import { type Mirror, TRIES } from './mirror.ts';
import { bare, reason } from './mirror-errors.ts';
import type { PartFile } from './part-file.ts';
import type { Range } from './ranges.ts';
import { type Claim, nextShare, takeOver, unclaimed } from './share-out.ts';

/** The same file on one mirror. */
export interface Source {
	url: string;
	mirror: Mirror;
	/** Why this file is no longer taken from there; null = it may be. */
	fault: unknown;
	/** It knows no ranges, or ranges that do not fit together: the file comes from there in one stream or not at all. */
	whole: boolean;
	/** What `Opened.validator` said first. */
	validator: string | null;
	/** Tries in a row that brought nothing, and tries in a row that brought little. */
	fruitless: number;
	breaks: number;
	/** How often the file changed there while it was fetched. */
	changes: number;
}

/** A stretch of the file on its way over one connection. */
export interface Transfer extends Claim {
	source: Source;
	/** Ends it. */
	control: AbortController;
}

/** Tries that brought little: a mirror that sends a few bytes and breaks off, again and again, must not hold a run for ever. */
const BREAKS = 50;
const LITTLE = 1 << 20;

/** One file on its way: where it may come from, what is being fetched, what is there. */
export class FileJob {
	readonly file: FileToFetch;
	readonly part: PartFile;
	readonly hash: FrontHash;
	readonly sources: Source[];
	readonly transfers = new Set<Transfer>();
	/** Bytes in all, as the list or a mirror told; null = nobody did yet. */
	size: number | null;
	/** Those whose bytes are in the part. */
	givers = new Set<Source>();
	/** The part holds bytes of an earlier run. */
	resumed: boolean;
	/** It waits for its transfers to end, to begin again from nothing. */
	restarting = false;
	/** All bytes are there: it is hashed and named. */
	ending = false;
	/** Those of which one gave wrong bytes. */
	suspects = new Set<Source>();
	#alone = false;
	#only: Source | null = null;
	/** The furthest that a source without ranges came. */
	#reached = 0;

	constructor(file: FileToFetch, part: PartFile, sources: Source[]) {
		this.file = file;
		this.part = part;
		this.sources = sources;
		this.size = file.size;
		this.resumed = part.have.total > 0;
		this.hash = new FrontHash(part);
		this.hash.wrote();
	}

	/** Whether it can be taken from this source now. */
	usable(source: Source): boolean {
		return source.fault === null && source.mirror.aside === null && (this.#only === null || this.#only === source);
	}

	/** Whether all the bytes are there. */
	get whole(): boolean {
		return this.size !== null && this.transfers.size === 0 && this.part.have.missing(this.size).length === 0;
	}

	/** Bytes that are there. */
	get done(): number {
		return this.part.have.total;
	}

	/** Bytes that nobody fetches yet; Infinity while the size is not known. */
	get waiting(): number {
		if (this.size === null) return this.transfers.size === 0 ? Number.POSITIVE_INFINITY : 0;
		return unclaimed(this.part.have.missing(this.size), this.transfers).reduce((sum, { start, end }) => sum + end - start, 0);
	}

	/** The source on this mirror, if it may be asked for a stretch now. */
	sourceOn(mirror: Mirror): Source | undefined {
		if (this.restarting || this.ending) return undefined;
		const source = this.sources.find((one) => one.mirror === mirror && this.usable(one));
		if (source === undefined) return undefined;
		// A stream of the whole file goes alone, and only where nobody can give ranges.
		const alone = [...this.transfers].some((transfer) => transfer.source.whole);
		if (alone || (source.whole && (this.transfers.size > 0 || this.ranged()))) return undefined;
		return source;
	}

	/** Whether no other source is left. */
	onlyFrom(source: Source): boolean {
		return this.sources.every((other) => other === source || !this.usable(other));
	}

	/** Whether some source may still give ranges. */
	ranged(): boolean {
		return this.sources.some((source) => this.usable(source) && !source.whole);
	}

	/** A stretch that nobody fetches, or null. `hands`: connections among which the file is shared out. */
	share(source: Source, hands: number): Range | null {
		if (source.whole) return { start: 0, end: this.size ?? Number.POSITIVE_INFINITY };
		if (this.size === null) return this.transfers.size > 0 ? null : { start: this.part.have.endFrom(0), end: Number.POSITIVE_INFINITY };
		return nextShare(unclaimed(this.part.have.missing(this.size), this.transfers), hands);
	}

	/** The end of a stretch that a slow connection fetches, taken from it; or null. */
	rescue(source: Source, now: number): Range | null {
		if (source.whole) return null;
		const found = takeOver(this.transfers, source.mirror.rate, now);
		if (found === null || found.claim.source.whole) return null;
		const range = { start: found.from, end: found.claim.end };
		found.claim.end = found.from;
		// It may be waiting for a byte that will not come.
		if (found.claim.at >= found.claim.end) found.claim.control.abort(new Error('nothing came'));
		return range;
	}

	/** What a transfer that ended brought; `believed` = false: too slowly to count. Returns whether it brought the file further. */
	went({ source, at, from }: Transfer, believed: boolean): boolean {
		const bytes = source.whole ? at - this.#reached : at - from;
		if (source.whole) this.#reached = Math.max(this.#reached, at);
		const further = bytes > 0 && believed;
		source.fruitless = further ? 0 : source.fruitless + 1;
		source.breaks = bytes >= LITTLE && believed ? 0 : source.breaks + 1;
		if (further) source.mirror.good();
		return further;
	}

	/** Whether this source broke too often. */
	tooOften({ fruitless, breaks }: Source): boolean {
		return fruitless >= TRIES || breaks >= BREAKS;
	}

	/** Whether a source is left; where the file is taken from one alone and that is lost, another takes its place. */
	someUsable(): boolean {
		if (this.#only !== null && !this.usable(this.#only)) this.#only = null;
		const next = this.sources.find((source) => this.usable(source));
		if (this.#alone && next !== undefined) this.#only = next;
		return next !== undefined;
	}

	/** From now on from one source at a time: bytes of several, or of an earlier run, made a wrong whole. */
	goAlone(): void {
		this.#alone = true;
		this.someUsable();
	}

	/** Begins from nothing, when no transfer is left. */
	async restart(): Promise<void> {
		this.hash.restart();
		await this.part.discard();
		this.givers.clear();
		this.resumed = this.restarting = this.ending = false;
		this.#reached = 0;
		this.size = this.file.size;
		for (const source of this.sources) source.validator = null;
	}

	/** What to say when no source is left: the worst that was seen, since it tells the most. */
	failure(): BsdupError {
		const causes = this.sources.map(({ fault, mirror }) => fault ?? mirror.aside);
		const known = (code: string) => causes.find((cause): cause is BsdupError => cause instanceof BsdupError && cause.code === code);
		const told = known('E_HASH_MISMATCH') ?? (causes.every((cause) => cause instanceof BsdupError) ? known('E_NOT_FOUND') : undefined);
		if (told !== undefined) return told;
		const cause = causes.find((one) => !(one instanceof BsdupError)) ?? causes[0];
		const url = bare(this.sources[cause === undefined ? 0 : causes.indexOf(cause)]?.url ?? this.file.name);
		return new BsdupError({
			code: this.done > 0 ? 'E_FETCH' : 'E_MIRROR_UNREACHABLE',
			message: `${this.done > 0 ? 'cannot go on with' : 'cannot fetch'} ${url}: ${reason(cause)}`,
			next: ['try again: what is there is kept', 'choose another --mirror'],
			cause,
		});
	}
}

/** E_HASH_MISMATCH: the mirror holds another file than the list names. `got`: what it holds, in a clause. */
export function mismatch(url: string, { sha256 }: FileToFetch, got: string): BsdupError {
	return new BsdupError({
		code: 'E_HASH_MISMATCH',
		message: `${bare(url)} is not the file of the list: ${got}; listed SHA256 ${sha256}`,
		next: ['the mirror may be in the middle of an update: try later', 'choose another --mirror'],
	});
}
