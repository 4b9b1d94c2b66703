import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A manifest's text with the parts it uses in their places, and where each of its lines comes from. */
export interface Composed {
	text: string;
	/** The origin of line N (from 1) is at N - 1. */
	origin: { file: string; line: number }[];
	/** What is wrong with the uses themselves, each `file:line: what`. */
	faults: string[];
}

/** The lists that a part may hold. */
const LISTS = ['checks', 'steps'];
const KEY = /^([a-zA-Z]+):/;
const ITEM = /^( *)- /;
const USE = /^( *)- use: (\S+)\s*(?:#.*)?$/;
/** The same with conditions for all that the part holds. */
const USE_IF = /^( *)- \{ use: ([^\s,]+), is: \[([^\]]+)\] \}\s*(?:#.*)?$/;
/** The whole of a file at the top: data that several manifests share. */
const USE_DATA = /^use: (\S+)\s*(?:#.*)?$/;

/**
 * Puts the checks or steps of `FILE` in the place of each `- use: FILE` in those lists, and the keys of `FILE` in the place of a
 * `use: FILE` at the top (manifests/README.md); `- { use: FILE, is: [WORD] }` adds the words to each item's own. Done on the lines, so
 * that `manifest show` prints what a person can edit, and every fault is told with the file and line it was written in.
 * `file`: where the text is from; the names of parts are relative to it.
 */
export function composeManifest(text: string, file: string): Composed {
	const out: Composed = { text: '', origin: [], faults: [] };
	const lines: string[] = [];
	let list = '';
	let indent = -1;
	text.split('\n').forEach((line, index) => {
		const here = { file, line: index + 1 };
		const key = KEY.exec(line)?.[1];
		if (key !== undefined) [list, indent] = [key, -1];
		const data = USE_DATA.exec(line)?.[1];
		// Only at the indentation of the list's own items: deeper it would be the text of a step.
		const item = ITEM.exec(line)?.[1]?.length;
		if (item !== undefined && indent < 0) indent = item;
		const [, , used, words] = (item === indent && LISTS.includes(list) && (USE_IF.exec(line) ?? USE.exec(line))) || [];
		const whole = (name: string): Line[] => dataOf(resolve(dirname(file), name), here, out.faults);
		const taken =
			data !== undefined
				? whole(data)
				: used === undefined
					? [{ ...here, text: line }]
					: onlyIf(words, indent, partOf(resolve(dirname(file), used), list, indent, here, out.faults), out.faults);
		for (const one of taken) {
			lines.push(one.text);
			out.origin.push({ file: one.file, line: one.line });
		}
	});
	return { ...out, text: lines.join('\n') };
}

interface Line {
	file: string;
	line: number;
	text: string;
}

/** A part's text; undefined, with a fault, where it cannot be read. */
function read(file: string, from: { file: string; line: number }, faults: string[]): string | undefined {
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		faults.push(`${from.file}:${from.line}: cannot read the part ${file}: ${(error as NodeJS.ErrnoException).code}`);
		return undefined;
	}
}

/** All lines of a file of shared data but its `format`; faults are added to `faults`. */
function dataOf(file: string, from: { file: string; line: number }, faults: string[]): Line[] {
	const lines = (read(file, from, faults) ?? '').trimEnd().split('\n');
	const found = lines.map((text, index) => ({ file, line: index + 1, text })).filter(({ text }) => !text.startsWith('format:'));
	for (const { line, text } of found) {
		const key = KEY.exec(text)?.[1] ?? '';
		if (key === 'use' || LISTS.includes(key))
			faults.push(`${file}:${line}: ${key}: shared data holds no checks, no steps and no other part`);
	}
	return found;
}

/** The lines of one list of a part, set in by `indent`; faults are added to `faults`. */
function partOf(file: string, list: string, indent: number, from: { file: string; line: number }, faults: string[]): Line[] {
	const text = read(file, from, faults);
	if (text === undefined) return [];
	const found: Line[] = [];
	let key = '';
	text
		.trimEnd()
		.split('\n')
		.forEach((line, index) => {
			const named = KEY.exec(line)?.[1];
			if (named === undefined) {
				if (key === list) found.push({ file, line: index + 1, text: line });
				return;
			}
			key = named;
			if (named !== 'format' && !LISTS.includes(named)) faults.push(`${file}:${index + 1}: ${named}: a part holds only checks and steps`);
		});
	const base = ITEM.exec(found.find((line) => ITEM.test(line.text))?.text ?? '')?.[1]?.length ?? 0;
	if (!found.some((line) => ITEM.test(line.text))) faults.push(`${from.file}:${from.line}: ${file} holds no ${list}`);
	for (const line of found) if (USE.exec(line.text)?.[1]?.length === base) faults.push(`${file}:${line.line}: a part uses no other part`);
	return found.map((line) => ({ ...line, text: line.text.trim() === '' ? '' : `${' '.repeat(indent)}${line.text.slice(base)}` }));
}

/** The items of a part with these words, as they are written between brackets, in the `is` of each. */
function onlyIf(words: string | undefined, indent: number, lines: Line[], faults: string[]): Line[] {
	if (words === undefined) return lines;
	const own = `${' '.repeat(indent + 2)}is: [`;
	const items = lines.map(({ text }, index) => (ITEM.exec(text)?.[1]?.length === indent ? index : -1)).filter((index) => index >= 0);
	const has = new Set(items.filter((start, at) => lines.slice(start, items[at + 1]).some(({ text }) => text.startsWith(own))));
	return lines.flatMap((line, index) => {
		if (line.text.startsWith(own)) return [{ ...line, text: line.text.replace(own, `${own}${words}, `) }];
		if (!items.includes(index) || has.has(index)) return [line];
		if (!line.text.endsWith('}')) return [line, { ...line, text: `${own}${words}]` }];
		faults.push(`${line.file}:${line.line}: an item that is used under conditions has its keys on lines of their own`);
		return [line];
	});
}
