import { BsdupError } from '../errors.ts';
import { ARCHIVE, lookInside } from './archive.ts';

/**
 * Looks into the archives among these files, one after the other: whole, and no member leaves the tree it is unpacked in.
 * What may stand at the top is left to the host's own look. Throws E_ARCHIVE naming all that may not be unpacked, or the signal's reason.
 */
export async function proveArchives(files: readonly { name: string; path: string }[], signal: AbortSignal): Promise<void> {
	const faults: string[] = [];
	for (const { name, path } of files.filter((one) => ARCHIVE.test(one.name))) {
		const { fault } = await lookInside(path, null, signal);
		if (fault !== null) faults.push(`${name}: ${fault}`);
	}
	if (faults.length === 0) return;
	throw new BsdupError({
		code: 'E_ARCHIVE',
		message: `what was fetched must not be unpacked: ${faults.join('; ')}`,
		next: ['do not use these files, though the list names them', 'choose another --mirror, and tell whoever signs its list'],
	});
}
