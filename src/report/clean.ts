import { stripVTControlCharacters } from 'node:util';

/**
 * A line of foreign output as it may be shown: no escape sequences or control characters, so that what a host prints
 * never drives the person's terminal. Of a line redrawn with carriage returns (progress bars) the last drawing is kept.
 */
export function cleanLine(line: string): string {
	const drawn = stripVTControlCharacters(line)
		.split('\r')
		.filter((part) => part !== '');
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
	return (drawn.at(-1) ?? '').replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, '');
}

/** The same for each line of a text: a message, a report, an answer that is told as it came. */
export function cleanText(text: string): string {
	return text.split('\n').map(cleanLine).join('\n');
}

/** JSON with those control characters escaped that it lets through, and that a terminal which shows it would obey. */
export function cleanJson(json: string): string {
	return json.replace(/[\x7f-\x9f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}
