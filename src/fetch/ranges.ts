/** Bytes `start` up to, not including, `end` of a file. */
export interface Range {
	start: number;
	end: number;
}

/** A set of bytes of one file, kept as few stretches: sorted, apart, none empty. Pure. */
export class Ranges {
	#list: Range[] = [];

	/** The stretches, lowest first; not to be changed by the caller. */
	get list(): readonly Range[] {
		return this.#list;
	}

	/** Bytes in all. */
	get total(): number {
		return this.#list.reduce((sum, { start, end }) => sum + end - start, 0);
	}

	/** Takes `range` in; what is there already stays. */
	add(range: Range): void {
		if (range.end <= range.start) return;
		let { start, end } = range;
		const apart = this.#list.filter((one) => {
			if (one.end < start || one.start > end) return true;
			start = Math.min(start, one.start);
			end = Math.max(end, one.end);
			return false;
		});
		this.#list = [...apart, { start, end }].sort((a, b) => a.start - b.start);
	}

	/** Takes the bytes of `range` out. */
	remove(range: Range): void {
		this.#list = this.#list.flatMap((one) => minus(one, range));
	}

	/** The end of the stretch that holds byte `at`, or `at` itself where that byte is not in. */
	endFrom(at: number): number {
		return this.#list.find(({ start, end }) => start <= at && at < end)?.end ?? at;
	}

	/** What lacks of the first `size` bytes, lowest first. */
	missing(size: number): Range[] {
		const gaps: Range[] = [];
		let at = 0;
		for (const { start, end } of this.#list) {
			if (start >= size) break;
			if (start > at) gaps.push({ start: at, end: start });
			at = end;
		}
		if (at < size) gaps.push({ start: at, end: size });
		return gaps;
	}
}

/** What is left of `range` without `hole`: none, one or two stretches. */
export function minus(range: Range, hole: Range): Range[] {
	if (hole.end <= hole.start) return [range];
	return [
		{ start: range.start, end: Math.min(range.end, hole.start) },
		{ start: Math.max(range.start, hole.end), end: range.end },
	].filter(({ start, end }) => start < end);
}
