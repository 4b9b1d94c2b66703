import type { Dispatcher } from 'undici';
import { httpAgent, undiciModule } from './http-agent.ts';
import { Crowded, notFound, Refused } from './mirror-errors.ts';
import type { Opened, Wanted } from './source.ts';

/** Redirects that are followed. */
const HOPS = 5;
/** Encodings by which some servers call what a file is packed with itself (Apache's AddEncoding): its bytes come as they are. */
const STORED: Readonly<Record<string, RegExp>> = { gzip: /\.t?gz$/, 'x-gzip': /\.t?gz$/, xz: /\.t?xz$/, 'x-xz': /\.t?xz$/ };
/** What is read of an answer that is not wanted, and for how long, so that its connection is of use: more costs less anew. */
const DROP_BYTES = 64 << 10;
const DROP_MS = 2000;
/** The client's own times, for the connection and for the head, are rounded up by as much. */
const ROUNDED_MS = 1000;

type Answer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'> & {
	/** Where it came from in the end. */
	from: string;
};

/**
 * Opens an http(s) URL at byte `start`. A server without ranges, or one that has fewer bytes (416), starts at 0 and the result says
 * so. Throws E_NOT_FOUND for 404 and 410, Crowded for 429 and 503, Refused for 401, 403 and 407, else plain errors.
 */
export async function openHttp(url: string, wanted: Wanted): Promise<Opened> {
	const { start, end } = wanted;
	const range = start > 0 || end !== undefined ? { range: `bytes=${start}-${end === undefined ? '' : end - 1}` } : {};
	let answer = await ask('GET', url, wanted, range);
	let size: number | null = null;
	if (answer.statusCode === 416) {
		await drop(answer);
		size = numberIn(/^bytes \*\/(\d+)$/, answer.headers['content-range']);
		answer = await ask('GET', url, wanted, {});
	}
	const ranged = answer.statusCode === 206;
	const fault = faultOf(url, answer, ranged ? start : 0);
	if (fault !== undefined) {
		await drop(answer);
		throw fault;
	}
	size = ranged
		? numberIn(/^bytes \d+-\d+\/(\d+)$/, answer.headers['content-range'])
		: (numberIn(/^(\d+)$/, answer.headers['content-length']) ?? size);
	return {
		stream: answer.body,
		size,
		offset: ranged ? start : 0,
		ranged: ranged || !('range' in range),
		validator: validatorOf(answer, url),
		page: /^text\/html\b/.test(String(answer.headers['content-type'] ?? '')),
	};
}

/** The length a HEAD tells, in bytes, or null. */
export async function httpSize(url: string, stallMs: number): Promise<number | null> {
	const answer = await ask('HEAD', url, { start: 0, stallMs, signal: AbortSignal.timeout(stallMs) }, {});
	await drop(answer);
	return answer.statusCode === 200 ? numberIn(/^(\d+)$/, answer.headers['content-length']) : null;
}

/** When the file was changed last, by Last-Modified, in seconds since the epoch, or null. Throws E_NOT_FOUND and plain errors. */
export async function httpChangedAt(url: string, stallMs: number): Promise<number | null> {
	const answer = await ask('HEAD', url, { start: 0, stallMs, signal: AbortSignal.timeout(stallMs) }, {});
	await drop(answer);
	if (answer.statusCode === 404 || answer.statusCode === 410) throw notFound(url);
	const time = Date.parse(String(answer.headers['last-modified'] ?? ''));
	return answer.statusCode === 200 && Number.isFinite(time) ? time / 1000 : null;
}

async function ask(method: 'GET' | 'HEAD', url: string, { stallMs, signal }: Wanted, more: Record<string, string>): Promise<Answer> {
	// Packed once more on the way, the lengths and offsets of a set would mean nothing.
	const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'bsdup', ...more };
	const asked = new URL(url);
	const dispatcher = await httpAgent(stallMs);
	for (let [hops, next] = [0, url]; ; hops++) {
		const at = new URL(next);
		const own = isOwn(asked, at) ? { ...headers, ...authorization(url) } : headers;
		at.username = '';
		at.password = '';
		const {
			statusCode,
			headers: told,
			body,
		} = await answered(at, { method, headers: own, dispatcher, headersTimeout: stallMs }, 2 * stallMs + ROUNDED_MS, signal);
		const answer: Answer = { statusCode, headers: told, body, from: at.origin };
		const to = told['location'];
		if (![301, 302, 303, 307, 308].includes(statusCode) || typeof to !== 'string') return answer;
		await drop(answer);
		next = new URL(to, at).href;
		if (hops === HOPS) throw new Error(`it redirects more than ${HOPS} times`);
		if (!/^https?:/.test(next) || (at.protocol === 'https:' && next.startsWith('http:')))
			throw new Error(`it redirects to ${new URL(next).protocol}//, which is not followed`);
	}
}

/** The login of a mirror is for it alone: for the very server that was asked, or for its host name by https, where it proves that name. */
function isOwn(asked: URL, at: URL): boolean {
	return at.origin === asked.origin || (at.protocol === 'https:' && at.hostname === asked.hostname);
}

type Asked = NonNullable<Parameters<typeof import('undici').request>[1]>;

/** The answer's head, within `timeMs`: for a proxy that takes a connection and says nothing, the client waits far longer. */
async function answered(at: URL, asked: Asked, timeMs: number, signal: AbortSignal | undefined): Promise<Dispatcher.ResponseData<unknown>> {
	const { request } = await undiciModule();
	const late = new AbortController();
	let timer: NodeJS.Timeout | undefined;
	const over = new Promise<never>((_, reject) => {
		timer = setTimeout(() => {
			late.abort();
			reject(new Error(`no answer in ${timeMs / 1000} seconds`));
		}, timeMs);
	});
	const answer = request(at, { ...asked, signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]) });
	answer.catch(() => {});
	return Promise.race([answer, over]).finally(() => clearTimeout(timer));
}

/** The header for the user and password of a URL, which must not stay in it: clients print URLs in errors. */
function authorization(url: string): Record<string, string> {
	const { username, password } = new URL(url);
	if (username === '') return {};
	const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
	return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function faultOf(url: string, { statusCode, headers }: Answer, start: number): Error | undefined {
	const encoding = String(headers['content-encoding'] ?? 'identity').toLowerCase();
	if (statusCode === 404 || statusCode === 410) return notFound(url);
	if (statusCode === 429 || statusCode === 503)
		return new Crowded(`HTTP status ${statusCode}`, 1000 * (numberIn(/^(\d+)$/, headers['retry-after']) ?? 0));
	if (statusCode === 401 || statusCode === 403 || statusCode === 407) return new Refused(`HTTP status ${statusCode}`);
	if (statusCode !== 200 && statusCode !== 206) return new Error(`HTTP status ${statusCode}`);
	if (encoding !== 'identity' && STORED[encoding]?.test(new URL(url).pathname) !== true)
		return new Error(`the answer is packed (${encoding}) though it was asked for as it is`);
	if (statusCode === 206 && numberIn(/^bytes (\d+)-/, headers['content-range']) !== start)
		return new Error('the answer begins at another byte than asked');
	return undefined;
}

/** What changes with the file. Those of different servers that a redirect leads to have nothing in common. */
function validatorOf({ headers, from }: Answer, url: string): string | null {
	const tag = headers['etag'] ?? headers['last-modified'];
	return typeof tag === 'string' && from === new URL(url).origin ? tag : null;
}

/** Reads the rest of an answer away, if it is short and comes; the connection is of use then. */
async function drop({ body }: Answer): Promise<void> {
	await body.dump({ limit: DROP_BYTES, signal: AbortSignal.timeout(DROP_MS) }).catch(() => {});
}

function numberIn(pattern: RegExp, header: string | string[] | undefined): number | null {
	const text = typeof header === 'string' ? pattern.exec(header)?.[1] : undefined;
	return text === undefined ? null : Number(text);
}
