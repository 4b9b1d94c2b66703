import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hashFile } from '../fetch/hash.ts';
import { formatBytes } from '../report/progress.ts';
import { type Backup, findBackup } from './backups.ts';
import { type BackupFault, checkBackup } from './check.ts';
import { here, unreadable } from './here.ts';
import { NameSum, unescaped } from './names.ts';
import type { Watch } from './place.ts';
import { smallFaults } from './small.ts';

/** What `bsdup backup --verify DIR` found. */
export interface BackupReport {
	dir: string;
	base: string;
	kind: Backup['kind'];
	/** When and of which host, where the record tells; null without one. */
	made: string | null;
	host: string | null;
	volumes: number;
	bytes: number;
	members: number;
	/** How many files changed while they were read; null without a record. */
	changed: number | null;
	/** Worth knowing, nothing wrong. */
	warnings: string[];
	/** What is wrong; empty = the backup is still good. */
	faults: BackupFault[];
}

/**
 * Proves an old backup on this machine still good, reading every byte once: the hashes of all volumes, the chain, the members
 * against the list, the small archive, the note how to restore. Throws as findBackup (usage: no backup there, or several).
 */
export async function verifyBackup(dir: string, base: string | undefined, watch: Watch = {}): Promise<BackupReport> {
	const place = here(dir);
	const backup = await findBackup(place, base);
	const sum = new NameSum();
	const { inspection, faults } = await checkBackup(place, backup, {
		...watch,
		onMember: (member) => {
			sum.add(member.name);
			watch.onMember?.(member);
		},
	});
	const files = await place.files();
	const all = [...faults];
	if (inspection !== null && faults.length === 0) {
		for (const says of inspection.unsafe)
			all.push({ file: backup.base, says, fix: 'do not restore it whole: this is no backup of a tree' });
		if (files.has(`${backup.base}.LIST`)) all.push(...(await listFaults(dir, `${backup.base}.LIST`, sum)));
	}
	const warnings: string[] = [];
	if (!backup.byHand) {
		const small = backup.record === null ? `${backup.base}.small.tgz` : backup.record.small?.file;
		if (small !== undefined && (files.has(small) || backup.record !== null))
			all.push(...(await smallFaults(dir, small, files, backup.record?.small?.sha256)));
		if (!files.has(`${backup.base}.RECOVERY.txt`))
			all.push({
				file: `${backup.base}.RECOVERY.txt`,
				says: 'it is missing',
				fix: 'keep a note how to restore: bsdup restore DIR --to DIR --dry-run prints it',
			});
		if (!files.has(`${backup.base}.LIST`)) warnings.push(`${backup.base}.LIST is missing: the members are compared with nothing`);
		if (backup.record === null) warnings.push('there is no MANIFEST.json: the backup was not finished, or is older than these');
	} else warnings.push('made by hand: there are no hashes, so that only its form is proven');
	const { record } = backup;
	return {
		...{ dir, base: backup.base, kind: backup.kind, made: record?.made ?? null, host: record?.host ?? null },
		volumes: backup.files.length,
		bytes: backup.files.reduce((bytes, file) => bytes + (files.get(file) ?? 0), 0),
		members: inspection?.members ?? 0,
		changed: record?.changed ?? null,
		...{ warnings, faults: all },
	};
}

/** The report for people. */
export function backupReportLines(report: BackupReport): string[] {
	const { base, host, made, volumes, bytes, members, changed, warnings, faults } = report;
	const of = host === null ? '' : ` of ${host}, made ${made}`;
	return [
		`${base}${of}: ${volumes} volume${volumes === 1 ? '' : 's'}, ${formatBytes(bytes)}, ${members} members`,
		...(changed ? [`${changed} files changed while they were read (see ${base}.CHANGED)`] : []),
		...warnings.map((text) => `warning: ${text}`),
		...faults.map(({ file, says, fix }) => `wrong: ${file}: ${says}\n  ${fix}`),
		faults.length === 0 ? 'the backup is good' : `the backup is not good: ${faults.length} wrong`,
	];
}

async function listFaults(dir: string, file: string, sum: NameSum): Promise<BackupFault[]> {
	const listed = new NameSum();
	const lines = createInterface({ input: createReadStream(join(dir, file), 'latin1'), crlfDelay: Number.POSITIVE_INFINITY });
	try {
		for await (const line of lines) listed.add(unescaped(line));
	} catch (error) {
		throw unreadable(dir, file, error as Error);
	}
	// Base tars list names as they are, odd characters and all.
	if (listed.sha256 === sum.sha256 || (await hashFile(join(dir, file))) === sum.sha256) return [];
	const says = `it lists ${listed.count} members, the volumes hold ${sum.count}${listed.count === sum.count ? ', under other names' : ''}`;
	return [{ file, says, fix: 'the volumes are what counts: bsdup restore DIR --list lists them' }];
}
