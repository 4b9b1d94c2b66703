import { BsdupError } from '../errors.ts';

const NAME = '[A-Za-z0-9_+][A-Za-z0-9._+-]*';
/** What cksum(1) prints (F:A.4), and what `sha256sum` does: two spaces, or a star for a binary file. */
const STYLES = [
	new RegExp(`^SHA256 \\((?<name>${NAME})\\) = (?<hash>[0-9a-f]{64})$`),
	new RegExp(`^(?<hash>[0-9a-f]{64}) [ *](?<name>${NAME})$`),
];
/** Name, SHA256, number of members, then columns for people, apart by tabs (F:B.1). */
const TABBED = new RegExp(`^(?<name>${NAME})\\t(?<hash>[0-9a-f]{64})\\t\\d+(?:\\t[^\\t]*)*$`);

/**
 * Parses a list of hashes, in the style of BSD or of GNU; lines may end in CR LF, the last one need not end. Real lists repeat lines;
 * a name repeated with another hash is refused, and every name that could leave its folder or be taken for an option. Throws
 * E_LIST_FORMAT naming the line.
 */
export function parseList(text: string): Map<string, string> {
	return parseLines(text, STYLES);
}

/** The same of a list whose columns stand apart by tabs (F:B.1). Throws E_LIST_FORMAT naming the line. */
export function parseTabbed(text: string): Map<string, string> {
	return parseLines(text, [TABBED]);
}

/** The same of either kind, as its first line tells. Throws E_LIST_FORMAT naming the line. */
export function parseAnyList(text: string): Map<string, string> {
	return /^[^\n]*\t/.test(text) ? parseTabbed(text) : parseList(text);
}

function parseLines(text: string, styles: readonly RegExp[]): Map<string, string> {
	const hashes = new Map<string, string>();
	text.split(/\r?\n/).forEach((line, index) => {
		if (line === '') return;
		const { name, hash } = styles.map((style) => style.exec(line)?.groups).find((groups) => groups !== undefined) ?? {};
		if (name === undefined || hash === undefined)
			throw malformed(`line ${index + 1} is no hash of a file: ${JSON.stringify(line.slice(0, 80))}`);
		if ((hashes.get(name) ?? hash) !== hash) throw malformed(`${name} stands twice with different hashes`);
		hashes.set(name, hash);
	});
	if (hashes.size === 0) throw malformed('it is empty');
	return hashes;
}

function malformed(what: string): BsdupError {
	return new BsdupError({
		code: 'E_LIST_FORMAT',
		message: `the list of hashes cannot be used: ${what}`,
		next: ['look at it with a browser: some mirrors answer with a page', 'choose another --mirror'],
	});
}
