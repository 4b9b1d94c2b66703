import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipFault } from './gzip.ts';
import { hashFile } from './hash.ts';
import { type VerifyListRequest, verifyList } from './verify-list.ts';

export interface VerifyRequest extends VerifyListRequest {
	/** Listed files that are absent make it fail. */
	all: boolean;
}

export interface VerifiedFile {
	name: string;
	/** right: as listed · wrong: not as listed, or no whole archive · absent: listed, not there · unlisted: a whole archive the list does not know. */
	state: 'right' | 'wrong' | 'absent' | 'unlisted';
	/** What is wrong, for people; empty otherwise. */
	detail: string;
}

export interface VerifyReport {
	dir: string;
	/** The list's file, and the path of the key that verified it (null = not signed). */
	list: { file: string; key: string | null };
	/** The listed files in the list's order, then the archives it does not know. */
	files: VerifiedFile[];
	/** Why it failed, one clause each; empty = it passed. */
	faults: string[];
}

/** An archive of the kind sets are. */
const ARCHIVE = /\.tgz$/;

/**
 * Verifies a folder of sets: the list's signature first, then every listed file that is there, then archives that are there and
 * not listed (a set that broke off under another name must not pass unseen). Only reads. Throws as verifyList.
 */
export async function verifyDir(request: VerifyRequest): Promise<VerifyReport> {
	const { dir, all } = request;
	const list = await verifyList(request);
	const files: VerifiedFile[] = [];
	for (const [name, hash] of list.hashes) files.push(await verifyFile(dir, name, hash));
	for (const name of (await readdir(dir)).sort()) {
		if (ARCHIVE.test(name) && !list.hashes.has(name)) files.push(await verifyUnlisted(dir, name));
	}
	return { dir, list: { file: list.file, key: list.key }, files, faults: faultsOf(files, all, list.plainDiffers) };
}

async function verifyFile(dir: string, name: string, listed: string): Promise<VerifiedFile> {
	const path = join(dir, name);
	const found = await stat(path).catch(() => undefined);
	if (found === undefined) return { name, state: 'absent', detail: '' };
	if (!found.isFile()) return { name, state: 'wrong', detail: 'it is no plain file' };
	const got = await hashFile(path);
	if (got === listed) return { name, state: 'right', detail: '' };
	const broken = ARCHIVE.test(name) ? await gzipFault(path) : null;
	return { name, state: 'wrong', detail: `SHA256 ${got}, listed ${listed}${broken === null ? '' : `; ${broken}`}` };
}

async function verifyUnlisted(dir: string, name: string): Promise<VerifiedFile> {
	const path = join(dir, name);
	const broken = (await stat(path)).isFile() ? await gzipFault(path) : 'it is no plain file';
	return broken === null ? { name, state: 'unlisted', detail: '' } : { name, state: 'wrong', detail: `not in the list; ${broken}` };
}

function faultsOf(files: readonly VerifiedFile[], all: boolean, plainDiffers: boolean): string[] {
	const count = (state: VerifiedFile['state']): number => files.filter((file) => file.state === state).length;
	const faults: string[] = [];
	if (plainDiffers) faults.push('SHA256 is not the list that SHA256.sig holds');
	if (count('wrong') > 0) faults.push(`${count('wrong')} of the files ${count('wrong') === 1 ? 'is' : 'are'} wrong`);
	if (count('right') + count('wrong') === 0) faults.push('none of the listed files is there');
	if (all && count('absent') > 0) faults.push(`${count('absent')} of the listed files ${count('absent') === 1 ? 'is' : 'are'} absent`);
	return faults;
}
