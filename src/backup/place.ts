import type { Backup } from './backups.ts';
import type { Member } from './tar-member.ts';
import type { Fault } from './tar-walk.ts';

/** A volume as it was found. `sha256` is empty where it was not asked for. */
export interface Volume {
	file: string;
	bytes: number;
	sha256: string;
	/** How many of the bytes are the head of a `tar -M` volume, no part of the joined archive. */
	head: number;
}

/** What a reading of all volumes found. */
export interface Inspection {
	volumes: Volume[];
	/** The chain of volumes and what the archive is made of; null = it holds together to its end. */
	fault: Fault | null;
	members: number;
	/** What the names of its first member begin with: `./`, `/` or nothing. */
	prefix: string;
	/** Members that must not be restored, with the reason, at most a few. */
	unsafe: string[];
}

/** Who is told how far the reading is, and who ends it. */
export interface Watch {
	/** Bytes read so far, of all there are. */
	onBytes?: (done: number, total: number) => void;
	onMember?: (member: Member) => void;
	signal?: AbortSignal;
}

/** A directory with backups: on this machine or on a host. Only reads. */
export interface Place {
	/** For people: `/mnt` or `/mnt on root@db1:22`. */
	readonly name: string;
	readonly dir: string;
	/** Its `inspect` tells each member; otherwise tar on the host is asked for them. */
	readonly walks: boolean;
	/** Its plain files, with their bytes. Throws E_BACKUP_DIR when it cannot be read. */
	files(): Promise<Map<string, number>>;
	/** A small file's text; null where it is not there. */
	text(file: string): Promise<string | null>;
	/** The files that are volumes of `tar -M` by their first block, put in order, by chain: the first volume names it. */
	chains(files: readonly string[]): Promise<string[][]>;
	/** Reads all volumes of a backup: their hashes, the chain, the members. */
	inspect(backup: Backup, watch?: Watch): Promise<Inspection>;
}
