/**
 * Folds text between words to at most `columns` a line; what follows the first line is set in by `indent` columns.
 * A word that is longer than a line (a path, a hash) stays whole, and a command of a card: it must be possible to copy it.
 */
export function fold(text: string, columns: number, indent = 2): string {
	return text
		.split('\n')
		.map((line) => (COMMAND.test(line) ? line : foldLine(line, columns, indent)))
		.join('\n');
}

/** As the cards that tell how to get back set commands in, deeper than words. */
const COMMAND = /^ {5,8}\S/;

function foldLine(line: string, columns: number, indent: number): string {
	const [, lead = '', rest = ''] = /^(\s*)(.*)$/.exec(line) ?? [];
	const lines: string[] = [];
	let current = lead;
	let empty = true;
	for (const word of rest.split(' ')) {
		if (!empty && current.length + 1 + word.length > columns) {
			lines.push(current.trimEnd());
			current = ' '.repeat(lead.length + indent);
			empty = true;
		}
		current += empty ? word : ` ${word}`;
		empty = false;
	}
	return [...lines, current].join('\n');
}
