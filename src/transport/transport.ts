/**
 * The seam between bsdup and a host. Two implementations: `local.ts` (execa) and `ssh.ts` (ssh2);
 * both pass the one contract suite in test/contract/transport.ts.
 *
 * Contract:
 * - `run` hands `script` to `sh` on its standard input (never in argv, so that neither a login shell
 *   such as csh nor `ps` sees it); the commands of the script read from /dev/null.
 * - A command that ends by a signal gives `code: null` and the signal's name.
 * - A lost connection is `BsdupError` E_CONNECTION_LOST (never a RunResult); after it `connect` may be called again.
 * - E_CHANNEL is a host that starts no more commands on a connection that stands; a later try may do better.
 * - Everything runs as root when `become` says so (doas or sudo without a prompt); `connect` proves it: E_BECOME.
 */

import type { Readable } from 'node:stream';

/** How long `run` waits where it is not told. Milliseconds. */
export const DEFAULT_TIMEOUT_MS = 60_000;

/** How root is reached: the login is root already, or by doas(1) or sudo(8). */
export type Become = 'none' | 'doas' | 'sudo';

/** How a command ended; `code` is null where a signal ended it. */
export interface RunResult {
	code: number | null;
	signal: string | null;
	stdout: string;
	stderr: string;
}

/** How a command is run. */
export interface RunOptions {
	/** Milliseconds; default 60 000. After it the command is given up: E_TIMEOUT. */
	timeoutMs?: number;
	/** Called with each piece of standard output as it comes. */
	onStdout?: (text: string) => void;
	/** Takes standard output as bytes instead, at its own pace: the command waits meanwhile. Then `stdout` stays empty. */
	onBytes?: (bytes: Buffer) => Promise<void>;
	/** How output becomes text; `latin1` keeps every byte, a character each. Default utf8. */
	encoding?: 'utf8' | 'latin1';
	/** Gives the command up with the signal's reason; it may go on over there. */
	signal?: AbortSignal;
}

/** How a script is fed. */
export interface FeedOptions extends RunOptions {
	/** An error of the source in the words of the caller; the script is given up with it. */
	broken?: (error: Error) => unknown;
}

/** How a file is laid on the host. */
export interface PushOptions {
	/** File mode, e.g. 0o600. */
	mode: number;
	/** The SHA256 the file must have on arrival (hex); compared on the host. */
	sha256: string;
	/** Bytes of the file that are out, those of an earlier push included. */
	onBytes?: (sent: number) => void;
	/** Go on where an earlier push of this file broke off, and leave what came where this one does. */
	resume?: boolean;
	signal?: AbortSignal;
}

/** A way to a host. All implementations pass one suite (test/contract). */
export interface Transport {
	/** For people: `root@host:22` or `this machine`. */
	readonly name: string;
	readonly local: boolean;
	/** Connects; at once when the connection stands and no command on it was lost or timed out. Callers share one. */
	connect(): Promise<void>;
	run(script: string, options?: RunOptions): Promise<RunResult>;
	/** Runs a script whose commands read `source` on their standard input. `source` is destroyed at the end. */
	feed(script: string, source: Readable, options: FeedOptions): Promise<RunResult>;
	/** Writes a file by temporary name, hash check, rename. `source`: a controller path or the bytes. */
	push(source: string | Buffer, remotePath: string, options: PushOptions): Promise<void>;
	/**
	 * Runs one sh line on the person's terminal (a pty over SSH, with window size and resizes). `signal` closes that pty, whose line then hears
	 * a hang-up, and gives up with its reason; what runs on the terminal itself hears of its end by itself, and is waited for.
	 */
	terminal(line: string, signal?: AbortSignal): Promise<{ code: number | null; signal: string | null }>;
	close(): Promise<void>;
}
