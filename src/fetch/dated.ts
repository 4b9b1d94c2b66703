import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { BsdupError } from '../errors.ts';
import { httpChangedAt } from './http.ts';
import { notFound, unreachable } from './mirror-errors.ts';

/**
 * When a file was changed last, by the mirror's word (Last-Modified, MDTM, the disk), in seconds since the epoch; null where it does
 * not tell. Throws E_NOT_FOUND, E_MIRROR_UNREACHABLE.
 */
export async function changedAt(url: string, timeoutMs: number): Promise<number | null> {
	try {
		if (/^https?:/.test(url)) return await httpChangedAt(url, timeoutMs);
		if (url.startsWith('ftp:')) return await (await import('./ftp.ts')).ftpChangedAt(url, timeoutMs);
		return (await stat(url.startsWith('file:') ? fileURLToPath(url) : url)).mtimeMs / 1000;
	} catch (cause) {
		if (cause instanceof BsdupError) throw cause;
		throw (cause as NodeJS.ErrnoException).code === 'ENOENT' ? notFound(url) : unreachable(url, cause);
	}
}
