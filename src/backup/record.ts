import { z } from 'zod';
import { BsdupError } from '../errors.ts';

/** The newest form of the record that is known here. */
const FORMAT = 1;
/** A name in the directory of the backup, never a path. */
const Name = z.string().regex(/^[^/\0\n]+$/);
const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What stands beside the volumes as `BASE.MANIFEST.json`, written last: a backup without it is not finished, or not bsdup's. */
export const BackupRecord = z.looseObject({
	format: z.literal(FORMAT),
	kind: z.enum(['gnu-multivolume', 'split']),
	base: Name,
	host: z.string(),
	system: z.string(),
	release: z.string(),
	run: z.string(),
	/** When, as ISO 8601. */
	made: z.string(),
	paths: z.array(z.string()),
	excludes: z.array(z.string()),
	volumeKiB: z.number(),
	volumes: z.array(z.object({ file: Name, bytes: z.number().int().nonnegative(), sha256: Hash })).min(1),
	bytes: z.number(),
	small: z.object({ file: Name, sha256: Hash }).nullable(),
	/** How many files changed while they were read. */
	changed: z.number(),
});
export type BackupRecord = z.infer<typeof BackupRecord>;

/** Reads a record; `file`: its name, for the error. Throws E_BACKUP_RECORD. */
export function parseRecord(text: string, file: string): BackupRecord {
	try {
		const json: unknown = JSON.parse(text);
		const format = (json as { format?: unknown } | null)?.format;
		if (typeof format === 'number' && format > FORMAT) throw new Error(`it is of format ${format}, which a newer bsdup wrote`);
		const { success, data, error } = BackupRecord.safeParse(json);
		if (success) return data;
		const [issue] = error.issues;
		throw new Error(`${issue?.path.join('.')}: ${issue?.message}`);
	} catch (cause) {
		throw new BsdupError({
			code: 'E_BACKUP_RECORD',
			message: `${file} cannot be used: ${(cause as Error).message}`,
			state: 'Nothing was written.',
			next: ['take the copy from the other disk, if there is one', `move ${file} away: then the hashes in the SHA256 file beside it hold`],
			cause,
		});
	}
}
