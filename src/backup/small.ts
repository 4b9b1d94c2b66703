import { join } from 'node:path';
import { lookInside } from '../fetch/archive.ts';
import { hashFile } from '../fetch/hash.ts';
import type { BackupFault } from './check.ts';

/**
 * What is wrong with the small archive beside the volumes (/etc, package lists …): absent, cut off, or another. `files`: what lies
 * in `dir`, a directory of this machine; `sha256`: as recorded, undefined without a record.
 */
export async function smallFaults(
	dir: string,
	file: string,
	files: ReadonlyMap<string, number>,
	sha256: string | undefined,
): Promise<BackupFault[]> {
	const fix = 'the volumes may still be good; copy this file again from another copy of the backup';
	if (!files.has(file)) return [{ file, says: 'it is missing', fix }];
	const { fault: broken } = await lookInside(join(dir, file), null);
	if (broken !== null) return [{ file, says: broken, fix }];
	const got = sha256 === undefined ? undefined : await hashFile(join(dir, file));
	return got === sha256 ? [] : [{ file, says: `its bytes are not those that were written (SHA256 ${got}, listed ${sha256})`, fix }];
}
