/** What a person may choose; every field has its flag in commands/. */
export interface PlanOptions {
	/** Id of the run, `run-…`. */
	run: string;
	unattended: boolean;
	/** Paths to back up, or null for no backup. */
	backup: { paths: string[]; dir: string; volumeKiB: number } | null;
	packages: boolean;
	stopForwarding: boolean;
	/** Directory for the sets on the host; null = the manifest's choice. */
	sets: string | null;
	/** Site sets: file name, SHA256 (hex), and where the controller finds it (an absolute path). */
	site: { file: string; sha256: string; path: string }[];
	/** Take a build that is older than the installed one; default no. */
	older?: boolean;
	/** Minutes after base until the watchdog reboots without asking rc. */
	watchdogMinutes: number;
}
