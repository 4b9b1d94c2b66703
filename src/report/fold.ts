/**
 * Folds text between words to at most `columns` a line; what follows the first line is set in by `indent` columns.
 * A word that is longer than a line (a path, a command, a hash) stays whole: it must be possible to copy it.
 */
export function fold(text: string, columns: number, indent = 2): string {
	return text
		.split('\n')
		.map((line) => foldLine(line, columns, indent))
		.join('\n');
}

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
