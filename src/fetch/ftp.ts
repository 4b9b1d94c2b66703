import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { PassThrough } from 'node:stream';
import { Client, FTPError } from 'basic-ftp';
import { FAMILY_MS } from '../families.ts';
import { Crowded, notFound, Refused } from './mirror-errors.ts';
import type { Opened, Wanted } from './source.ts';

// The client has no option for it.
setDefaultAutoSelectFamilyAttemptTimeout(FAMILY_MS);

/** RFC 959: the requested file is unavailable. */
const UNAVAILABLE = 550;
/** RFC 959: not logged in; some servers say so too when they have too many clients. */
const NOT_LOGGED_IN = 530;
const TOO_MANY = /many|max|limit/i;
/** RFC 959: too busy. */
const CROWDED = 421;
/** RFC 959: no such command, parameter or restart. */
const NO_RESTART = [500, 501, 502, 504];
/** The time for a login, or for what is asked after it, in those of one answer: a server that drips words is never silent for one. */
const ANSWERS = 4;

/**
 * Opens an ftp URL at byte `start` (REST), or at 0 where the server knows no REST; anonymous unless the URL names a user. The stream
 * goes on to the end of the file, whatever the end wanted: to close it is to end the transfer. It fails with E_NOT_FOUND where the
 * server has no such file. Throws Crowded, Refused (a wrong password), or plain errors if the server cannot be reached.
 */
export async function openFtp(url: string, { start, stallMs, signal }: Wanted): Promise<Opened> {
	signal?.throwIfAborted();
	const client = await connect(url, stallMs, signal);
	const path = pathOf(url);
	const size = await inTime(client, stallMs, client.size(path)).catch(() => null);
	const ranged = start === 0 || (await inTime(client, stallMs, knowsRestart(client, start)));
	const stream = new PassThrough();
	const stop = (): void => client.close();
	signal?.addEventListener('abort', stop, { once: true });
	stream.once('close', () => {
		signal?.removeEventListener('abort', stop);
		client.close();
	});
	client.downloadTo(stream, path, ranged ? start : 0).catch((error: unknown) => {
		if (error instanceof FTPError && error.code === UNAVAILABLE) stream.destroy(notFound(url));
		else stream.destroy(error instanceof Error ? error : new Error(String(error)));
	});
	return { stream, size, offset: ranged ? start : 0, ranged, validator: null, page: false };
}

/** Sizes of files of one server over one connection, in bytes, null where it does not tell. Mirrors limit connections per client. */
export async function ftpSizes(urls: readonly string[], stallMs: number): Promise<(number | null)[]> {
	const sizes: (number | null)[] = [];
	const [first] = urls;
	if (first === undefined) return sizes;
	const client = await connect(first, stallMs);
	try {
		for (const url of urls) sizes.push(client.closed ? null : await inTime(client, stallMs, client.size(pathOf(url))).catch(() => null));
	} finally {
		client.close();
	}
	return sizes;
}

/** When the file was changed last, by MDTM, in seconds since the epoch. Throws E_NOT_FOUND, and as openFtp. */
export async function ftpChangedAt(url: string, stallMs: number): Promise<number> {
	const client = await connect(url, stallMs);
	try {
		return (await inTime(client, stallMs, client.lastMod(pathOf(url)))).getTime() / 1000;
	} catch (error) {
		throw error instanceof FTPError && error.code === UNAVAILABLE ? notFound(url) : error;
	} finally {
		client.close();
	}
}

/** Asks before the transfer: a refusal in its middle would cost the connection. */
async function knowsRestart(client: Client, start: number): Promise<boolean> {
	try {
		await client.send(`REST ${start}`);
		return true;
	} catch (error) {
		if (error instanceof FTPError && NO_RESTART.includes(error.code)) return false;
		throw error;
	}
}

async function connect(url: string, stallMs: number, signal?: AbortSignal): Promise<Client> {
	const parsed = new URL(url);
	const client = new Client(stallMs);
	const stop = (): void => client.close();
	signal?.addEventListener('abort', stop, { once: true });
	try {
		const access = client.access({
			host: parsed.hostname.replace(/^\[|\]$/g, ''),
			port: Number(parsed.port || 21),
			user: decodeURIComponent(parsed.username) || 'anonymous',
			password: decodeURIComponent(parsed.password) || 'guest',
		});
		await inTime(client, stallMs, access);
	} catch (error) {
		client.close();
		if (!(error instanceof FTPError)) throw error;
		const { code, message } = error;
		if (code === CROWDED || (code === NOT_LOGGED_IN && TOO_MANY.test(message))) throw new Crowded(message);
		throw code === NOT_LOGGED_IN ? new Refused(message) : error;
	} finally {
		signal?.removeEventListener('abort', stop);
	}
	return client;
}

/** Closes the client where `work` takes longer than a server needs that says what it is asked, and no more. */
async function inTime<T>(client: Client, stallMs: number, work: Promise<T>): Promise<T> {
	let late = false;
	const timer = setTimeout(() => {
		late = true;
		client.close();
	}, ANSWERS * stallMs);
	try {
		return await work;
	} catch (error) {
		throw late ? new Error(`no answer in ${(ANSWERS * stallMs) / 1000} seconds`) : error;
	} finally {
		clearTimeout(timer);
	}
}

function pathOf(url: string): string {
	return decodeURIComponent(new URL(url).pathname);
}
