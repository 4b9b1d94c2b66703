import { BsdupError } from '../errors.ts';
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
	const known = readCopy(text, copy);
	const names = new Set([...hashes.keys(), ...known.keys()]);
	const differs = [...names].filter((name) => hashes.get(name) !== known.get(name));
	if (differs.length === 0) return copy;
	throw unfit('E_LIST_COPY', `the list at ${at} is not the one that ${copy} holds: ${differs.join(' ')} differ`);
}

/** The mirror is not to blame for a copy that cannot be read. */
function readCopy(text: string, copy: string): Map<string, string> {
	try {
		return parseAnyList(text);
	} catch (error) {
		if (!(error instanceof BsdupError)) throw error;
		const message = `of the trusted copy ${copy}: ${error.message}`;
		throw new BsdupError({ code: error.code, message, next: ['--trusted-list FILE, a copy of the list of this very release'] });
	}
}
