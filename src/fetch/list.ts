import { BsdupError } from '../errors.ts';

const LINE = /^SHA256 \(([A-Za-z0-9._+-]+)\) = ([0-9a-f]{64})$/;

/**
 * Parses a list of hashes as cksum(1) prints it (F:A.4); lines may end in CR LF. Real lists repeat lines; a name repeated with
 * another hash is refused, and every name that could leave its folder or be taken for an option. Throws E_LIST_FORMAT naming the line.
 */
export function parseList(text: string): Map<string, string> {
	const hashes = new Map<string, string>();
	text.split(/\r?\n/).forEach((line, index) => {
		if (line === '') return;
		const [, name, hash] = LINE.exec(line) ?? [];
		if (name === undefined || hash === undefined || name.startsWith('.') || name.startsWith('-'))
			throw malformed(`line ${index + 1} is no hash of a file: ${JSON.stringify(line.slice(0, 80))}`);
		if ((hashes.get(name) ?? hash) !== hash) throw malformed(`${name} stands twice with different hashes`);
		hashes.set(name, hash);
	});
	if (hashes.size === 0) throw malformed('it is empty');
	return hashes;
}

/** The same lines as `cksum -a sha256` prints them, in the order of the map; parseList takes them back. */
export function formatList(hashes: ReadonlyMap<string, string>): string {
	return [...hashes].map(([name, hash]) => `SHA256 (${name}) = ${hash}\n`).join('');
}

function malformed(what: string): BsdupError {
	return new BsdupError({
		code: 'E_LIST_FORMAT',
		message: `the list of hashes cannot be used: ${what}`,
		next: ['look at it with a browser: some mirrors answer with a page', 'choose another --mirror'],
	});
}
