import type { Facts } from './facts.ts';
import type { Probe } from './probes.ts';

/** What a probe printed and how it ended. */
export interface Answer {
	status: number;
	text: string;
}

type Parser = (answer: Answer, probe: Probe) => unknown;

/** Thrown by a parser for an answer it does not understand; the caller names the probe. */
export class Unreadable extends Error {}

const lines = (text: string): string[] =>
	text
		.split('\n')
		.map((line) => line.trim())
		.filter((line) => line !== '');

function int(text: string): number {
	const value = Number(text.trim());
	if (text.trim() === '' || !Number.isInteger(value)) throw new Unreadable('no whole number');
	return value;
}

function need(text: string | undefined): string {
	if (text === undefined || text === '') throw new Unreadable('empty');
	return text;
}

/** Every way an answer can be understood; no parser knows a system. */
export const PARSERS: Record<Probe['parse'], Parser> = {
	line: ({ text }) => need(lines(text)[0]),
	lineOrNull: ({ text }) => lines(text)[0] ?? null,
	int: ({ text }) => int(text),
	intOrNull: ({ text }) => (text.trim() === '' ? null : int(text)),
	match: ({ text }, { match = '', empty }) => {
		const found = new RegExp(match).exec(text)?.[1];
		return found === '' && empty !== undefined ? empty : need(found);
	},
	holds: ({ status }) => status === 0,
	epoch: ({ text }) => epoch(text),
	lines: ({ text }) => lines(text),
	files: ({ text }) =>
		Object.fromEntries(
			text
				.split(/^== /m)
				.slice(1)
				.map((file) => [file.slice(0, file.indexOf('\n')), `${file.slice(file.indexOf('\n') + 1).trimEnd()}\n`]),
		),
	mounts: ({ text }) => mounts(text),
};

/**
 * Seconds, from `1795473322`, from `{ sec = 1795473316, usec = … }`, or from a date as ctime(3) prints it (F:D). Such a date
 * names no time zone and is taken as UTC: its change is right, its value may be hours off.
 */
function epoch(text: string): number {
	const found = /^\s*(\d+)\s*$/.exec(text)?.[1] ?? /sec = (\d+)/.exec(text)?.[1];
	// Date.parse alone would make a date of almost any words.
	const date = /^(?:[\w.]+=)?([A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ [\d:]{8} \d{4})$/.exec(text.trim())?.[1];
	const seconds = found === undefined ? Date.parse(`${date} UTC`) / 1000 : Number(found);
	if (!Number.isFinite(seconds)) throw new Unreadable('no time');
	return seconds;
}

/** Joins `mount` and `df -kP`, separated by an empty line, by mount point. */
function mounts(text: string): Facts['mounts'] {
	const [mounted = '', free = ''] = text.split('\n\n');
	const sizes = new Map(
		lines(free)
			.slice(1)
			.map((line) => {
				const fields = line.split(/\s+/);
				return [fields.slice(5).join(' '), { size: Number(fields[1]) * 1024, free: Math.max(0, Number(fields[3]) * 1024) }];
			}),
	);
	const found = lines(mounted).flatMap((line) => {
		const [, device = '', path = '', type = '', options = ''] = /^(\S+) on (.+?)(?: type (\S+))? \((.*)\)$/.exec(line) ?? [];
		const size = sizes.get(path);
		const words = options.split(/,\s*/);
		return size === undefined ? [] : [{ device, path, type: type === '' ? (words.shift() ?? '') : type, options: words, ...size }];
	});
	if (found.length === 0) throw new Unreadable('no file system');
	return found;
}
