import { BsdupError } from '../errors.ts';
import { parseAnyList } from './list.ts';
import { unfit } from './one-build.ts';

const OTHER_COPY = '--trusted-list FILE, a copy of the list of this very release';

/**
 * Holds an unsigned list against the trusted copy of it (F:B.1). `copy`: the copy's name among `trusted`, texts by name; `file`: where a
 * person gave it, else it is the host's own. Returns the name where the two hold the same files with the same hashes, null where there
 * is none. Throws E_LIST_COPY naming the copy and what differs, E_LIST_FORMAT.
 */
export function provenByCopy(
	hashes: ReadonlyMap<string, string>,
	copy: string,
	trusted: Readonly<Record<string, string>>,
	at: string,
	file?: string,
): string | null {
	const called = file ?? `the host's own ${copy}`;
	const text = Object.hasOwn(trusted, copy) ? trusted[copy] : undefined;
	if (text === undefined) return null;
	const known = readCopy(text, called);
	const names = new Set([...hashes.keys(), ...known.keys()]);
	const differs = [...names].filter((name) => hashes.get(name) !== known.get(name));
	if (differs.length === 0) return copy;
	throw unfit('E_LIST_COPY', `the list at ${at} is not the one that ${called} holds: ${differs.join(' ')} differ`, OTHER_COPY);
}

/** The mirror is not to blame for a copy that cannot be read. */
function readCopy(text: string, called: string): Map<string, string> {
	try {
		return parseAnyList(text);
	} catch (error) {
		if (!(error instanceof BsdupError)) throw error;
		throw new BsdupError({ code: error.code, message: `of the trusted copy, ${called}: ${error.message}`, next: [OTHER_COPY] });
	}
}
