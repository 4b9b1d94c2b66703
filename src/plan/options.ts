/** What is backed up, and where it goes. */
export interface BackupOptions {
	paths: string[];
	/** Patterns left out: a path from the root, or a name at any level; `*`, `?` and `[…]` do not match a slash. */
	excludes?: string[];
	/** The directory of the volumes on the host; '' with `here`. */
	dir: string;
	volumeKiB: number;
	/** Undefined: GNU tar's volumes where the host has it, else pieces that `cat` joins. */
	format?: 'gnu' | 'split' | undefined;
	/** A FAT disk, with or without the partition's letter, to be mounted on `dir` meanwhile. */
	device?: string | undefined;
	/** A directory of the controller (absolute), instead of one on the host. */
	here?: string | undefined;
}

/** What a person may choose; every field has its flag in commands/. */
export interface PlanOptions {
	/** Id of the run, `run-…`. */
	run: string;
	unattended: boolean;
	/** What to back up, or null for no backup. */
	backup: BackupOptions | null;
	packages: boolean;
	stopForwarding: boolean;
	/** Directory for the sets on the host; null = the manifest's choice. */
	sets: string | null;
	/** Site sets: file name, SHA256 (hex), and where the controller finds it (an absolute path). */
	site: { file: string; sha256: string; path: string }[];
	/** Who fetches the sets: the controller, which lays them there, or the host by the step's own commands. */
	fetchOn: 'controller' | 'host';
	/** Take a build that is older than the installed one; default no. */
	older?: boolean;
	/** Lay the build anew that is installed; default no. */
	again?: boolean;
	/** sh that must exit 0 on the new system, by the person's own word. */
	health?: string[];
	/** Why this method, where nobody asked for one; for people. */
	chosen?: string;
	/** Minutes after base until the watchdog reboots without asking rc. */
	watchdogMinutes: number;
}
