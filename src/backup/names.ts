import { createHash } from 'node:crypto';

/** A sum over names, in little memory: two lists of the same sum hold the same names in the same order. */
export class NameSum {
	count = 0;
	readonly #hash = createHash('sha256');

	/** A name, one character a byte. */
	add(name: string): void {
		this.count++;
		this.#hash.update(`${name}\n`, 'latin1');
	}

	/** SHA256 (hex) of the names as a text of a line each. */
	get sha256(): string {
		return this.#hash.copy().digest('hex');
	}
}

const SHORT: Record<string, string> = {
	n: '\n',
	t: '\t',
	b: '\b',
	f: '\f',
	r: '\r',
	v: '\v',
	a: '\x07',
	'\\': '\\',
	"'": "'",
	'"': '"',
	'?': '?',
};

/** A name as GNU tar lists it (quoting style `escape`) back to what it is: `\n`, `\\`, `\303\244`. */
export function unescaped(line: string): string {
	return line.replace(/\\([0-7]{3}|.)/g, (whole, code: string) =>
		/^\d{3}$/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (SHORT[code] ?? whole),
	);
}
