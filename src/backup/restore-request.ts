import type { RunEvent } from '../report/events.ts';
import type { Transport } from '../transport/transport.ts';
import type { Backup } from './backups.ts';
import type { Place } from './place.ts';

/** What to restore, and who is told and asked meanwhile. */
export interface RestoreRequest {
	/** Where the volumes lie. */
	place: Place;
	backup: Backup;
	/** The machine that gets the files. */
	host: Transport;
	/** The volumes lie on this machine, and are sent to the host. */
	send: boolean;
	/** Absolute path on the host. */
	target: string;
	/** Paths within the backup; none = all of it. */
	paths: readonly string[];
	emit: (event: RunEvent) => void;
	signal: AbortSignal;
	/** Asked once before the first byte is written. */
	confirm: (lines: string[]) => Promise<boolean>;
}

/** What a restore has done. */
export interface Restored {
	base: string;
	host: string;
	target: string;
	/** Null where an earlier restore was only followed. */
	members: number | null;
	/** Bytes of the volumes. */
	bytes: number;
	/** It went on where an earlier one was cut, or followed one that still ran. */
	resumed: boolean;
}
