/**
 * True when one of the patterns fits and none that begins with `!` does (ssh_config(5), PATTERNS): `*` is any run of
 * characters, `?` exactly one. Case does not matter.
 */
export function fitsPatterns(patterns: readonly string[], text: string): boolean {
	return (
		patterns.some((pattern) => !pattern.startsWith('!') && fits(pattern, text)) &&
		!patterns.some((pattern) => pattern.startsWith('!') && fits(pattern.slice(1), text))
	);
}

function fits(pattern: string, text: string): boolean {
	const source = pattern
		.replace(/[.+^${}()|[\]\\]/g, '\\$&')
		.replaceAll('*', '.*')
		.replaceAll('?', '.');
	return new RegExp(`^${source}$`, 'is').test(text);
}
