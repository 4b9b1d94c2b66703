import { parseAnyList } from './list.ts';
import { unfit } from './one-build.ts';

/**
 * Holds an unsigned list against the copy of it that the host trusts (F:B.1). `copy`: the copy's name among `trusted`, texts by name.
 * Returns the name where the two hold the same files with the same hashes, null where the host has none. Throws E_LIST_COPY naming
 * what differs, E_LIST_FORMAT.
 */
export function provenByCopy(
	hashes: ReadonlyMap<string, string>,
	copy: string,
	trusted: Readonly<Record<string, string>>,
	at: string,
): string | null {
	const text = Object.hasOwn(trusted, copy) ? trusted[copy] : undefined;
	if (text === undefined) return null;
	const known = parseAnyList(text);
	const names = new Set([...hashes.keys(), ...known.keys()]);
	const differs = [...names].filter((name) => hashes.get(name) !== known.get(name));
	if (differs.length === 0) return copy;
	throw unfit('E_LIST_COPY', `the list at ${at} is not the one that ${copy} holds: ${differs.join(' ')} differ`);
}
