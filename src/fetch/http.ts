import { Readable } from 'node:stream';
import { notFound } from './mirror-errors.ts';
import type { Opened } from './source.ts';

/**
 * Opens an http(s) URL at `offset` bytes. A server without ranges, or one that has fewer bytes than `offset` (416), starts
 * at 0 and the result says so. Gives up after `stallMs` without a byte. Throws E_NOT_FOUND for 404 and 410, else plain errors.
 */
export async function openHttp(url: string, offset: number, stallMs: number, signal?: AbortSignal): Promise<Opened> {
	const stall = new AbortController();
	const timer = setTimeout(() => stall.abort(new Error(`nothing came for ${stallMs / 1000} seconds`)), stallMs);
	try {
		const both = signal === undefined ? stall.signal : AbortSignal.any([signal, stall.signal]);
		let response = await ask(url, offset, both);
		if (response.status === 416) {
			await response.body?.cancel();
			response = await ask(url, 0, both);
		}
		const start = response.status === 206 ? offset : 0;
		await check(url, response, start);
		const stream = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
		stream.on('data', () => timer.refresh());
		stream.pause();
		stream.once('close', () => clearTimeout(timer));
		const length = lengthOf(response);
		return { stream, size: length === null ? null : length + start, offset: start };
	} catch (error) {
		// Left running, the timer would hold the program up for its whole time after the error was told.
		clearTimeout(timer);
		throw error;
	}
}

/** The length a HEAD tells, in bytes, or null. */
export async function httpSize(url: string, stallMs: number): Promise<number | null> {
	const response = await fetch(...request(url, { method: 'HEAD', signal: AbortSignal.timeout(stallMs) }));
	return response.ok ? lengthOf(response) : null;
}

function ask(url: string, offset: number, signal: AbortSignal): Promise<Response> {
	return fetch(...request(url, { signal }, offset > 0 ? { range: `bytes=${offset}-` } : {}));
}

/** fetch() refuses a URL that holds a password, and prints it in the error: it goes into a header instead. */
function request(url: string, init: RequestInit, headers: Record<string, string> = {}): [string, RequestInit] {
	const parsed = new URL(url);
	const { username, password } = parsed;
	parsed.username = '';
	parsed.password = '';
	// Packed once more on the way, a set would be unpacked by fetch() and its length and offsets would mean nothing.
	const all: Record<string, string> = { 'accept-encoding': 'identity', ...headers };
	if (username !== '') {
		const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
		all['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
	}
	return [parsed.href, { ...init, headers: all }];
}

async function check(url: string, response: Response, start: number): Promise<void> {
	const encoding = response.headers.get('content-encoding') ?? 'identity';
	const range = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
	let fault: Error | undefined;
	if (response.status === 404 || response.status === 410) fault = notFound(url);
	else if (!response.ok || response.body === null) fault = new Error(`HTTP status ${response.status}`);
	else if (encoding !== 'identity') fault = new Error(`the answer is packed (${encoding}) though it was asked for as it is`);
	else if (response.status === 206 && Number(range) !== start) fault = new Error('the answer begins at another byte than asked');
	if (fault === undefined) return;
	await response.body?.cancel();
	throw fault;
}

function lengthOf(response: Response): number | null {
	const text = response.headers.get('content-length');
	return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}
