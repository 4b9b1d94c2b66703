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

/**
 * Without regular expressions: a file may hold patterns too long for one, or with so many `*` that one never ends. After a mismatch
 * only the last `*` takes one character more, so the time is at most the product of both lengths.
 */
function fits(pattern: string, text: string): boolean {
	const wanted = [...pattern.toLowerCase()];
	const given = [...text.toLowerCase()];
	let at = 0;
	let star = -1;
	let taken = 0;
	for (let index = 0; index < given.length; ) {
		const char = wanted[at];
		if (char === '*') {
			star = at++;
			taken = index;
		} else if (char !== undefined && (char === '?' || char === given[index])) {
			at++;
			index++;
		} else if (star >= 0) {
			at = star + 1;
			index = ++taken;
		} else return false;
	}
	return wanted.slice(at).every((char) => char === '*');
}
