import { BsdupError } from '../errors.ts';
import type { Backup } from './backups.ts';
import type { Inspection, Place, Watch } from './place.ts';

/** Something wrong with a backup: which file, what, and what to do about it. */
export interface BackupFault {
	file: string;
	says: string;
	fix: string;
}

/** What a check of a backup found. `inspection` is null when the volumes did not have to be read to know. */
export interface Checked {
	inspection: Inspection | null;
	faults: BackupFault[];
}

const AGAIN = 'copy it again from another copy of the backup';

/**
 * Checks a backup: what is there and how long, then every byte: hashes, chain, members. Names and lengths alone
 * refuse it before anything large is read.
 */
export async function checkBackup(place: Place, backup: Backup, watch?: Watch): Promise<Checked> {
	const early = presenceFaults(backup, await place.files());
	if (early.length > 0) return { inspection: null, faults: early };
	const inspection = await place.inspect(backup, watch);
	return { inspection, faults: contentFaults(backup, inspection) };
}

/** Refuses a backup that is not whole. Throws E_BACKUP_BROKEN, or E_BACKUP_UNSAFE for members that would leave the target. */
export function refuseBroken({ faults, inspection }: Checked): Inspection {
	const { unsafe = [] } = inspection ?? {};
	if (faults.length > 0 || inspection === null) throw broken(faults);
	if (unsafe.length > 0)
		throw new BsdupError({
			code: 'E_BACKUP_UNSAFE',
			message: `members of this archive would be written outside the target:\n${unsafe.map((one) => `- ${one}`).join('\n')}`,
			state: 'Nothing was written.',
			next: ['ask who made this archive; name the paths that you want, if it is right to take them'],
		});
	return inspection;
}

/** E_BACKUP_BROKEN: these volumes are not there. */
export function volumesMissing(files: readonly string[]): BsdupError {
	return broken(files.map(missing));
}

function broken(faults: readonly BackupFault[]): BsdupError {
	return new BsdupError({
		code: 'E_BACKUP_BROKEN',
		message: `this backup is not whole:\n${faults.map(({ file, says }) => `- ${file}: ${says}`).join('\n')}`,
		state: 'Nothing was written.',
		next: [...new Set(faults.map(({ fix }) => fix))],
	});
}

function missing(file: string): BackupFault {
	return { file, says: 'it is missing', fix: AGAIN };
}

function presenceFaults(backup: Backup, files: ReadonlyMap<string, number>): BackupFault[] {
	const faults: BackupFault[] = [];
	const listed = new Map(backup.record?.volumes.map(({ file, bytes }) => [file, bytes]));
	for (const file of new Set([...backup.files, ...backup.hashes.keys()])) {
		const bytes = files.get(file);
		const wanted = listed.get(file) ?? bytes;
		if (bytes === undefined) faults.push(missing(file));
		else if (wanted !== undefined && bytes < wanted) faults.push({ file, says: `it is cut off: ${bytes} of ${wanted} bytes`, fix: AGAIN });
		else if (wanted !== undefined && bytes > wanted)
			faults.push({ file, says: `it is longer than it was made: ${bytes} bytes, not ${wanted}`, fix: AGAIN });
		else if (backup.hashes.size > 0 && !backup.hashes.has(file)) faults.push(foreign(file));
	}
	if (backup.record !== null) {
		const { base } = backup;
		for (const file of files.keys())
			if (file.startsWith(`${base}.`) && /^(\d+|[a-z]{2,3})$/.test(file.slice(base.length + 1)) && !listed.has(file))
				faults.push(foreign(file));
	}
	if (backup.files.length === 0) faults.push({ file: backup.base, says: 'no volume of it is there', fix: AGAIN });
	return [...faults, ...gaps(backup)];
}

function foreign(file: string): BackupFault {
	return { file, says: 'it is not one of the volumes of this backup', fix: `move ${file} out of the directory` };
}

/** A number or letter left out where the volumes are named so and no list says how many there are. */
function gaps({ files, record, kind }: Backup): BackupFault[] {
	if (record !== null) return [];
	if (kind === 'split') return letterGaps(files);
	const parts = files.map((file) => /^(.*?)(\d+)(\D*)$/.exec(file));
	const [first] = parts;
	if (files.length < 2 || parts.some((part) => part?.[1] !== first?.[1] || part?.[3] !== first?.[3])) return [];
	const numbers = parts.map((part) => Number(part?.[2])).sort((a, b) => a - b);
	return numbers.flatMap((number, index) => {
		const next = (numbers[index - 1] ?? number - 1) + 1;
		return number > next ? [missing(`${first?.[1]}${next}${first?.[3]}`)] : [];
	});
}

function letterGaps(files: readonly string[]): BackupFault[] {
	const faults: BackupFault[] = [];
	const last = files.at(-1);
	const there = new Set(files);
	let [name = ''] = files;
	for (; last !== undefined && name < last; name = nextPiece(name)) if (!there.has(name)) faults.push(missing(name));
	return faults;
}

/** `x.ab` after `x.aa`, `x.ba` after `x.az`. */
function nextPiece(name: string): string {
	const tail = /z*$/.exec(name)?.[0] ?? '';
	const at = name.length - tail.length - 1;
	return name.slice(0, at) + String.fromCharCode(name.charCodeAt(at) + 1) + 'a'.repeat(tail.length);
}

function contentFaults(backup: Backup, { volumes, fault }: Inspection): BackupFault[] {
	const names = new Map([...backup.hashes].map(([file, hash]) => [hash, file]));
	const faults = volumes.flatMap(({ file, sha256 }) => {
		const wanted = backup.hashes.get(file);
		if (wanted === undefined || wanted === sha256) return [];
		const other = names.get(sha256);
		if (other !== undefined)
			return [{ file, says: `it holds the volume ${other}`, fix: `give the volumes their own names: ${file} is ${other}` }];
		return [{ file, says: `its bytes are not those that were written (SHA256 ${sha256}, listed ${wanted})`, fix: AGAIN }];
	});
	if (faults.length > 0 || fault === null) return faults;
	return [{ file: fault.volume, says: fault.says, fix: backup.byHand ? '--volume FILE …, with all volumes of this one archive' : AGAIN }];
}
