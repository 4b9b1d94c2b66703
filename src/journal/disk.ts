import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import { makeDir } from '../make-dir.ts';
import { quote } from '../transport/quote.ts';

/** The door to the state on disk: nothing of it is read through a link or from somebody else, and what is written stays. */

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants;
const FILE_MODE = 0o600;
const DIR_MODE = 0o700;
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

/** The bytes of a plain file of one's own; undefined where there is none. Throws E_STATE_OWNER. */
export function readOwn(file: string): Buffer | undefined {
	const fd = openOwn(file, O_RDONLY);
	if (fd === undefined) return undefined;
	try {
		return fs.readFileSync(fd);
	} finally {
		fs.closeSync(fd);
	}
}

/** Opens a file of one's own for reading and appending; makes it, mode 0600, with its name on the disk. Throws E_STATE_OWNER. */
export function openForAppend(file: string): number {
	const make = O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW;
	const fd = openOwn(file, O_RDWR | O_APPEND) ?? fs.openSync(file, make, FILE_MODE);
	fs.fchmodSync(fd, FILE_MODE);
	// Also of one that is there: who made it may have been killed before this.
	syncDir(dirname(file));
	return fd;
}

/** Appends all of the text and waits until it is on the disk. What could not be written whole is taken back. Throws E_STATE_WRITE. */
export function appendSynced(fd: number, file: string, text: string): void {
	const { size } = fs.fstatSync(fd);
	try {
		writeAll(fd, text);
		fs.fsyncSync(fd);
	} catch (cause) {
		try {
			fs.ftruncateSync(fd, size);
		} catch {
			// what is left of the line is told as a cut one
		}
		throw unwritable(file, cause);
	}
}

/** Puts a whole file, mode 0600, in its place; after a cut at any point the old or the new one is there. Throws E_STATE_WRITE. */
export function writeWhole(file: string, text: string): void {
	const fresh = writeBeside(file, text);
	try {
		fs.renameSync(fresh, file);
		syncDir(dirname(file));
	} catch (cause) {
		throw unwritable(file, cause);
	}
}

/** Writes a file beside `file` under a name of this process's own, on the disk; returns that name. Throws E_STATE_WRITE. */
export function writeBeside(file: string, text: string): string {
	const fresh = `${file}.${process.pid}.tmp`;
	try {
		fs.rmSync(fresh, { force: true });
		const fd = fs.openSync(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
		try {
			writeAll(fd, text);
			fs.fsyncSync(fd);
		} finally {
			fs.closeSync(fd);
		}
	} catch (cause) {
		fs.rmSync(fresh, { force: true });
		throw unwritable(file, cause);
	}
	return fresh;
}

/** Waits until the names in a directory are on the disk. */
export function syncDir(dir: string): void {
	const fd = fs.openSync(dir, O_RDONLY);
	try {
		fs.fsyncSync(fd);
	} finally {
		fs.closeSync(fd);
	}
}

/** Makes the directory of all runs where it is missing, mode 0700. Throws E_STATE_OWNER, E_STATE_MODE, E_STATE_WRITE. */
export function makeTop(dir: string): void {
	try {
		makeDir(dir, DIR_MODE, (made) => syncDir(dirname(made)));
	} catch (cause) {
		throw unwritable(dir, cause);
	}
	checkTop(dir);
}

/**
 * Refuses a directory of runs that is somebody else's, or that others may write to. It is not mended: it may be one that others need.
 * True when it is there. Throws E_STATE_OWNER, E_STATE_MODE.
 */
export function checkTop(dir: string): boolean {
	const stat = look(dir, fs.statSync);
	if (stat === undefined) return false;
	if (!stat.isDirectory()) throw foreign(dir, 'is no directory');
	if (!isMine(stat)) throw foreign(dir, `belongs to user ${stat.uid}`);
	if ((stat.mode & OTHERS_WRITE) !== 0) {
		throw new BsdupError({
			code: 'E_STATE_MODE',
			message: `others may write to the state directory ${dir}`,
			next: [`look at what is in it, then: chmod 700 ${quote(dir)}`, '--state DIR   (another directory)'],
			exit: EXIT.usage,
		});
	}
	return true;
}

/** Makes a run's own directory, or takes it as it is when it is ours; wrong modes are mended. Throws E_STATE_OWNER, E_STATE_WRITE. */
export function makeOwnDir(dir: string): void {
	try {
		fs.mkdirSync(dir, { mode: DIR_MODE });
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(dir, cause);
	}
	syncDir(dirname(dir));
	checkOwnDir(dir);
	if ((fs.lstatSync(dir).mode & OTHERS) !== 0) fs.chmodSync(dir, DIR_MODE);
}

/** True for a directory of one's own, false for none. Throws E_STATE_OWNER for a link, a file, or somebody else's. */
export function checkOwnDir(dir: string): boolean {
	const stat = look(dir, fs.lstatSync);
	if (stat === undefined) return false;
	if (stat.isSymbolicLink()) throw foreign(dir, 'is a symbolic link');
	if (!stat.isDirectory()) throw foreign(dir, 'is no directory');
	if (!isMine(stat)) throw foreign(dir, `belongs to user ${stat.uid}`);
	return true;
}

/** What is at `path`; undefined for nothing. Throws E_STATE_OWNER where somebody else keeps it shut. */
function look(path: string, stat: (path: string, options: { throwIfNoEntry: false }) => fs.Stats | undefined): fs.Stats | undefined {
	try {
		return stat(path, { throwIfNoEntry: false });
	} catch (cause) {
		throw foreign(path, `cannot be looked at (${(cause as NodeJS.ErrnoException).code})`);
	}
}

function openOwn(file: string, flags: number): number | undefined {
	let fd: number;
	try {
		// Not waiting: a planted fifo would hold this program for ever.
		fd = fs.openSync(file, flags | O_NOFOLLOW | fs.constants.O_NONBLOCK);
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		if (code === 'ENOENT') return undefined;
		// Some systems say EMLINK where others say ELOOP (open(2), O_NOFOLLOW).
		if (code === 'ELOOP' || code === 'EMLINK') throw foreign(file, 'is a symbolic link');
		throw unwritable(file, cause);
	}
	const stat = fs.fstatSync(fd);
	const wrong = !stat.isFile() ? 'is no plain file' : isMine(stat) ? undefined : `belongs to user ${stat.uid}`;
	if (wrong === undefined) return fd;
	fs.closeSync(fd);
	throw foreign(file, wrong);
}

function writeAll(fd: number, text: string): void {
	const bytes = Buffer.from(text);
	for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
}

function isMine(stat: fs.Stats): boolean {
	return process.geteuid === undefined || stat.uid === process.geteuid();
}

function foreign(path: string, what: string): BsdupError {
	return new BsdupError({
		code: 'E_STATE_OWNER',
		message: `${path} ${what}; the state of runs is only read from, and written to, what is your own`,
		state: 'Nothing was read from it and nothing was written there.',
		next: ['run bsdup as the user who began the run', '--state DIR   (another directory)', `look at it: ls -ld ${quote(path)}`],
		exit: EXIT.usage,
	});
}

function unwritable(path: string, cause: unknown): BsdupError {
	if (cause instanceof BsdupError) return cause;
	return new BsdupError({
		code: 'E_STATE_WRITE',
		message: `cannot keep the state of the run: ${(cause as Error).message}`,
		state: 'What runs on the host goes on by itself; nothing further was begun.',
		next: [`make room and permit writing in ${dirname(path)}`, 'then: bsdup resume'],
		cause,
	});
}
