import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ARCHIVE, lookInside } from './archive.ts';
import { hashFile } from './hash.ts';
import { type VerifiedList, type VerifyListRequest, verifyList } from './verify-list.ts';

/** What is known of the sets of a system. */
export interface SetLayout {
	/** Finds the sets' suffix in a name of the list: this system's list it is (first group). */
	suffixFrom: string;
	/** What may stand at the top of its sets. */
	tops: readonly string[];
}

/** A folder of sets, and how strictly it is held against its list. */
export interface VerifyRequest extends VerifyListRequest {
	/** Listed files that are absent make it fail. */
	all: boolean;
	/** The systems whose sets are known; of others the top level of the sets is not judged. */
	layouts: readonly SetLayout[];
}

/** What was found of one file. */
export interface VerifiedFile {
	name: string;
	/** right: as listed · wrong: not as listed, or no archive to unpack · absent: listed, not there · unlisted: a sound archive the list does not know. */
	state: 'right' | 'wrong' | 'absent' | 'unlisted';
	/** What is wrong, for people; empty otherwise. */
	detail: string;
	/** What was looked at and is well: its SHA256, the archive to its end, each member's path, its place at the top. */
	checked: ('sha256' | 'archive' | 'members' | 'tops')[];
	/** What could not be looked at, and why; empty = nothing. */
	skipped: string;
	/** Members of an archive, or null. */
	members: number | null;
}

/** What was found of the folder. */
export interface VerifyReport {
	dir: string;
	list: Pick<VerifiedList, 'file' | 'proof' | 'key'>;
	/** The listed files in the list's order, then the archives it does not know. */
	files: VerifiedFile[];
	/** Why it failed, one clause each; empty = it passed. */
	faults: string[];
}

/**
 * Verifies a folder of sets: the list first, then every listed file that is there, then archives that are there and not listed (a
 * set that broke off under another name must not pass unseen). Archives are read to their end, and the paths of their members
 * looked at. Only reads. Throws as verifyList.
 */
export async function verifyDir(request: VerifyRequest): Promise<VerifyReport> {
	const { dir, all } = request;
	const { hashes, differing, file, proof, key } = await verifyList(request);
	const tops = request.layouts.find(({ suffixFrom }) => [...hashes.keys()].some((name) => new RegExp(suffixFrom).test(name)))?.tops ?? null;
	const files: VerifiedFile[] = [];
	for (const [name, hash] of hashes) files.push(await verifyFile(dir, name, hash, tops));
	for (const name of (await readdir(dir)).sort()) {
		// A set of the admin's own may lay files anywhere.
		if (ARCHIVE.test(name) && !hashes.has(name)) files.push(await verifyFile(dir, name, null, null));
	}
	return { dir, list: { file, proof, key }, files, faults: faultsOf(files, all, differing, file) };
}

async function verifyFile(dir: string, name: string, listed: string | null, tops: readonly string[] | null): Promise<VerifiedFile> {
	const path = join(dir, name);
	const file: VerifiedFile = { name, state: listed === null ? 'unlisted' : 'right', detail: '', checked: [], skipped: '', members: null };
	const found = await stat(path).catch(() => undefined);
	if (found === undefined) return { ...file, state: 'absent' };
	if (!found.isFile()) return { ...file, state: 'wrong', detail: 'it is no plain file' };
	const got = listed === null ? null : await hashFile(path);
	const faults = got === listed ? [] : [`SHA256 ${got}, listed ${listed}`];
	if (listed === null) faults.push('not in the list');
	else if (got === listed) file.checked.push('sha256');
	if (ARCHIVE.test(name)) {
		const { fault, skipped, members } = await lookInside(path, tops);
		if (skipped !== null) file.skipped = skipped;
		else if (fault === null) file.checked.push('archive', 'members', ...(tops === null ? [] : (['tops'] as const)));
		if (fault !== null) faults.push(fault);
		file.members = members;
		if (listed === null && fault === null) return file;
	}
	return faults.length === 0 ? file : { ...file, state: 'wrong', detail: faults.join('; ') };
}

function faultsOf(files: readonly VerifiedFile[], all: boolean, differing: readonly string[], list: string): string[] {
	const count = (state: VerifiedFile['state']): number => files.filter((file) => file.state === state).length;
	const faults = differing.map((file) => `${file} is not the list that ${list} holds`);
	if (count('wrong') > 0) faults.push(`${count('wrong')} of the files ${count('wrong') === 1 ? 'is' : 'are'} wrong`);
	if (count('right') + count('wrong') === 0) faults.push('none of the listed files is there');
	if (all && count('absent') > 0) faults.push(`${count('absent')} of the listed files ${count('absent') === 1 ? 'is' : 'are'} absent`);
	return faults;
}
