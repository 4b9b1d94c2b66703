import { ageOf } from '../cache/text.ts';
import type { Measured } from '../mirrors/measured.ts';
import { fold } from './fold.ts';
import { formatRate } from './progress.ts';

/** Widths of the columns before the mirror's name, and the columns in all below which a table cannot be read. */
const WIDTHS = [2, 5, 8, 6, 5, 11, 5];
const LEAST = 72;
const HEAD = ['', 'state', 'latency', 'jitter', 'loss', 'rate', 'built'];

/**
 * Mirrors for people, the best first: a line each, what speaks against one beneath it. On less than 72 columns each is a line with its
 * name and one with its figures. `columns`: of the terminal; `now`: seconds.
 */
export function mirrorLines(mirrors: readonly Measured[], columns: number, now: number): string[] {
	const narrow = columns < LEAST;
	const rows = mirrors.flatMap((one, index) => {
		const row = narrow ? stacked(one, index, columns, now) : [rowOf(one, index, columns, now)];
		return [...row, ...one.says.map((text) => under(text, columns))];
	});
	const best = mirrors.find(({ state }) => state === 'good');
	const end = best === undefined ? 'none of them can be recommended' : `best: --mirror ${best.mirror}`;
	const unproven = mirrors.some((one) => one.unproven)
		? [fold('No signature was looked at: where the list has one, --host HOST has the keys.', columns)]
		: [];
	return [...(narrow ? [] : [line(HEAD, 'mirror', columns)]), ...rows, '', ...unproven, fold(end, columns)];
}

function rowOf(one: Measured, index: number, columns: number, now: number): string {
	const { state, latency, jitter, loss, throughput, build, mirror } = one;
	const cells = [
		String(index + 1),
		state,
		latency === null ? '-' : milliseconds(latency),
		jitter === null ? '-' : `±${jitter.toFixed(0)}`,
		`${Math.round(loss * 100)}%`,
		throughput === null ? '-' : formatRate(throughput),
		build === null ? '-' : ageOf(now - build),
	];
	return line(cells, mirror, columns);
}

function line(cells: readonly string[], mirror: string, columns: number): string {
	const figures = cells.map((cell, index) => (index < 2 ? cell.padEnd(WIDTHS[index] ?? 0) : cell.padStart(WIDTHS[index] ?? 0))).join(' ');
	const room = columns - figures.length - 2;
	return `${figures}  ${mirror.length > room ? `${mirror.slice(0, room - 1)}…` : mirror}`;
}

function stacked({ mirror, state, latency, throughput, build }: Measured, index: number, columns: number, now: number): string[] {
	const told = [
		state,
		...(latency === null ? [] : [milliseconds(latency)]),
		...(throughput === null ? [] : [formatRate(throughput)]),
		...(build === null ? [] : [`built ${ageOf(now - build)} ago`]),
	];
	return [`${index + 1} ${mirror}`, under(told.join(', '), columns)];
}

function under(text: string, columns: number): string {
	return fold(text.replace(/^/gm, '   '), columns, 0);
}

function milliseconds(time: number): string {
	return time < 10 ? `${time.toFixed(1)} ms` : `${Math.round(time)} ms`;
}
