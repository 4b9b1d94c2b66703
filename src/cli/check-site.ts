import { BsdupError, EXIT } from '../errors.ts';
import { hashFile } from '../fetch/hash.ts';
import type { PlanOptions } from '../plan/options.ts';

/** Refuses site sets that are not here or not the ones meant, before a host is touched. Throws E_SITE naming each. */
export async function checkSite(site: PlanOptions['site']): Promise<void> {
	const faults: string[] = [];
	for (const { path, sha256 } of site) {
		const got = await hashFile(path).catch((error: Error) => error.message);
		if (got !== sha256) faults.push(`${path}: ${got === null ? 'not there' : `SHA256 ${got}, wanted ${sha256}`}`);
	}
	if (faults.length === 0) return;
	throw new BsdupError({
		code: 'E_SITE',
		message: faults.join('\n'),
		next: ['--site FILE --site-sha256 HEX, with the hash from where the set was made'],
		exit: EXIT.usage,
	});
}
