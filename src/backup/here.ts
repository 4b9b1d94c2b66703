import { createHash } from 'node:crypto';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import { quote } from '../transport/quote.ts';
import type { Backup } from './backups.ts';
import { orderVolumes } from './chains.ts';
import { volumesMissing } from './check.ts';
import { MemberGuard, prefixOf } from './member-guard.ts';
import type { Inspection, Place, Volume, Watch } from './place.ts';
import { TarWalk } from './tar-walk.ts';

const PIECE = 1 << 20;

/** A directory of this machine. See Place. */
export function here(dir: string): Place {
	return {
		name: dir,
		dir,
		walks: true,
		async files() {
			const found = new Map<string, number>();
			try {
				for (const entry of await readdir(dir, { withFileTypes: true }))
					if (entry.isFile()) found.set(entry.name, (await stat(join(dir, entry.name))).size);
			} catch (cause) {
				throw new BsdupError({
					code: 'E_BACKUP_DIR',
					message: `${dir} cannot be read: ${(cause as Error).message}`,
					state: 'Nothing was written.',
					next: ['mount the disk with the volumes', `ls -l ${quote(dir)}`],
					exit: EXIT.usage,
					cause,
				});
			}
			return found;
		},
		text: (file) =>
			readFile(join(dir, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
				if (error.code === 'ENOENT') return null;
				throw unreadable(dir, file, error);
			}),
		chains: (files) => orderVolumes(dir, files),
		inspect: (backup, watch) => readVolumes(dir, backup, watch ?? {}, true),
	};
}

/** The members of a backup on this machine, without its data being read where the disk can leave it out. */
export async function readMembers(dir: string, backup: Backup, watch: Watch): Promise<Inspection> {
	return readVolumes(dir, backup, watch, false);
}

async function readVolumes(dir: string, { files, kind }: Backup, watch: Watch, hashing: boolean): Promise<Inspection> {
	const guard = new MemberGuard();
	let members = 0;
	let prefix = '';
	const walk = new TarWalk(kind === 'gnu-multivolume', (member) => {
		if (members++ === 0) prefix = prefixOf(member.name);
		guard.see(member);
		watch.onMember?.(member);
	});
	const volumes: Volume[] = [];
	let total = 0;
	for (const file of files) total += (await stat(join(dir, file)).catch(() => ({ size: 0 }))).size;
	let done = 0;
	const buffer = Buffer.allocUnsafe(PIECE);
	for (const file of files) {
		walk.begin(file);
		const hash = createHash('sha256');
		const disk = await open(join(dir, file)).catch((error: Error) => {
			throw unreadable(dir, file, error);
		});
		try {
			let at = 0;
			for (;;) {
				watch.signal?.throwIfAborted();
				if (!hashing && walk.skippable > PIECE) {
					const { size } = await disk.stat();
					const skip = Math.min(walk.skippable, size - at);
					walk.skip(skip);
					at += skip;
				}
				const { bytesRead } = await disk.read(buffer, 0, PIECE, at);
				if (bytesRead === 0) break;
				const piece = buffer.subarray(0, bytesRead);
				if (hashing) hash.update(piece);
				walk.write(piece);
				at += bytesRead;
				watch.onBytes?.(done + at, total);
			}
			done += at;
			volumes.push({ file, bytes: at, sha256: hashing ? hash.digest('hex') : '', head: walk.heads.get(file)?.bytes ?? 0 });
		} catch (error) {
			// An abort has a number for its code.
			if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
			throw unreadable(dir, file, error as Error);
		} finally {
			await disk.close();
		}
	}
	walk.finish();
	return { volumes, fault: walk.fault, members, prefix, unsafe: guard.unsafe };
}

/** A volume or list that the disk does not give: E_BACKUP_READ, or E_BACKUP_BROKEN where it is not there. */
export function unreadable(dir: string, file: string, cause: Error): BsdupError {
	if (cause instanceof BsdupError) return cause;
	if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return volumesMissing([file]);
	return new BsdupError({
		code: 'E_BACKUP_READ',
		message: `${join(dir, file)} cannot be read: ${cause.message}`,
		state: 'Nothing was written.',
		next: [`ls -l ${quote(dir)}`, 'copy what the disk still gives to another disk, and try there'],
		cause,
	});
}
