/** Letters that stand for control characters, as GNU tar lists names. */
const ESCAPES: Readonly<Record<string, string>> = {
	...{ '\\': '\\\\', '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' },
};

/** A name as it may be shown, and as GNU tar lists it: characters from its bytes, control characters and backslashes escaped. */
export function shown(name: string): string {
	const text = Buffer.from(name, 'latin1').toString('utf8');
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
	return text.replace(/[\x00-\x1f\x7f-\x9f\\]/g, (char) => ESCAPES[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
