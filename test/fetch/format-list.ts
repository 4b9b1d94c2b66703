/** Lines as `cksum -a sha256` prints them, in the order of the map; parseList takes them back. */
export function formatList(hashes: ReadonlyMap<string, string>): string {
	return [...hashes].map(([name, hash]) => `SHA256 (${name}) = ${hash}\n`).join('');
}
