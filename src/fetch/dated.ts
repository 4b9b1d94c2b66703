import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client, FTPError } from 'basic-ftp';
import { notFound, unreachable } from './mirror-errors.ts';

/**
 * When a file was changed last, by the mirror's word (Last-Modified, MDTM, the disk), in seconds since the epoch; null where it does
 * not tell. Throws E_NOT_FOUND, E_MIRROR_UNREACHABLE.
 */
export async function changedAt(url: string, timeoutMs: number): Promise<number | null> {
	try {
		if (/^https?:/.test(url)) return await byHttp(url, timeoutMs);
		if (url.startsWith('ftp:')) return await byFtp(url, timeoutMs);
		return (await stat(url.startsWith('file:') ? fileURLToPath(url) : url)).mtimeMs / 1000;
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException & { code?: string | number };
		throw code === 'ENOENT' || (cause instanceof FTPError && cause.code === 550) ? notFound(url) : unreachable(url, cause);
	}
}

async function byHttp(url: string, timeoutMs: number): Promise<number | null> {
	const at = new URL(url);
	const { username, password } = at;
	at.username = '';
	at.password = '';
	const pair = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
	const headers: Record<string, string> = username === '' ? {} : { authorization: `Basic ${pair}` };
	const response = await fetch(at, { method: 'HEAD', headers, signal: AbortSignal.timeout(timeoutMs) });
	if (response.status === 404 || response.status === 410) throw notFound(url);
	const time = Date.parse(response.headers.get('last-modified') ?? '');
	return response.ok && Number.isFinite(time) ? time / 1000 : null;
}

async function byFtp(url: string, timeoutMs: number): Promise<number | null> {
	const { hostname, port, username, password, pathname } = new URL(url);
	const client = new Client(timeoutMs);
	try {
		await client.access({
			...{ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 21) },
			...{ user: decodeURIComponent(username) || 'anonymous', password: decodeURIComponent(password) || 'guest' },
		});
		return (await client.lastMod(decodeURIComponent(pathname))).getTime() / 1000;
	} finally {
		client.close();
	}
}
