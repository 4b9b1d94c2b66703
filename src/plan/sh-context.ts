import { PLACEHOLDER } from '../manifest/placeholders.ts';

/**
 * Whether a quoted word put at the end of this sh text is read as a word: outside quotes, comments, here-documents
 * and command substitutions within quotes (sh(1), Quoting). Where that is hard to tell the answer is no: then only
 * plain values are let in, which mean the same everywhere.
 */
export function isBare(textBefore: string): boolean {
	// Braces of placeholders are no braces of sh.
	const before = textBefore.replace(PLACEHOLDER, '_');
	// Open constructs, innermost last: quotes, backquotes, and "(" of a $( or a subshell.
	const open: string[] = [];
	for (let i = 0; i < before.length; i++) {
		const char = before[i] ?? '';
		const inside = open.at(-1);
		if (inside === "'") {
			if (char === "'") open.pop();
		} else if (char === '\\') {
			i++;
		} else if (inside === '"') {
			if (char === '"') open.pop();
			else if (char === '`') return false;
			else if (before.startsWith('$(', i)) {
				open.push('(');
				i++;
			}
		} else if (char === '`' || before.startsWith('<<', i)) {
			return false;
		} else if (char === '#' && (i === 0 || /[\s;&|()]/.test(before[i - 1] ?? ''))) {
			const end = before.indexOf('\n', i);
			if (end === -1) return false;
			i = end;
		} else if (char === "'" || char === '"' || char === '(') {
			open.push(char);
		} else if (char === ')' && inside === '(') {
			open.pop();
			// The patterns of a case end in ")" as well, so within quotes its end cannot be told.
		} else if (open.includes('"') && /\bcase$/.test(before.slice(Math.max(0, i - 5), i))) {
			return false;
		}
	}
	return !open.includes("'") && !open.includes('"') && !before.endsWith('\\') && !/[$]\{[^}]*$/.test(before);
}
