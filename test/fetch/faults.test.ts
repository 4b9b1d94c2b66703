import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { download } from '../../src/fetch/download.ts';
import { type Layout, resolveTarget } from '../../src/fetch/resolve.ts';
import { bare, openSource, readAll } from '../../src/fetch/source.ts';

/** A mirror that does what the test says. */
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let requests: IncomingMessage[];
let url: string;
let dir: string;
let stop: () => void;
beforeEach(async () => {
	dir = mkdtempSync('/tmp/bsdup-faults-');
	requests = [];
	const server = createServer((request, response) => {
		requests.push(request);
		answer(request, response);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	stop = () => {
		server.closeAllConnections();
		server.close();
	};
});
afterEach(() => {
	stop();
	rmSync(dir, { recursive: true, force: true });
});

const bytes = randomBytes(300_000);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const file = (change: { size?: number | null; name?: string } = {}) => ({
	name: 'a.tgz',
	urls: [`${url}/a.tgz`],
	sha256,
	size: 300_000,
	...change,
});
const errorOf = (work: Promise<unknown>): Promise<{ code?: string; message: string }> =>
	work.then(
		() => ({ code: 'no error', message: '' }),
		(error: { code?: string; message: string }) => error,
	);
const startOf = (request: IncomingMessage): number => Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
const rest = (request: IncomingMessage, response: ServerResponse, sent = bytes.length): void => {
	const start = startOf(request);
	const range = start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
	response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start, ...range });
	response.write(bytes.subarray(start, Math.min(bytes.length, start + sent)), () => {
		// The reader gets time to take what was sent: a reset throws away what lies in its buffers.
		if (start + sent < bytes.length) setTimeout(() => response.destroy(), 50);
		else response.end();
	});
};

describe('a download', () => {
	test('that breaks off again and again is finished from where it broke', async () => {
		answer = (request, response) => rest(request, response, 50_000); // more breaks than fruitless tries are allowed
		await download({ files: [file()], dir });
		expect(readFileSync(join(dir, 'a.tgz')).equals(bytes)).toBe(true);
		expect(requests.length).toBeGreaterThan(4);
		expect(startOf(requests.at(-1) as IncomingMessage)).toBeGreaterThan(0);
	});

	test('that never gets further ends after a few tries, and gives no name', async () => {
		answer = (request, response) => (startOf(request) > 0 ? response.destroy() : rest(request, response, 1000));
		expect((await errorOf(download({ files: [file()], dir }))).code).toMatch(/^E_(FETCH|MIRROR_UNREACHABLE)$/);
		expect(requests.length).toBeLessThanOrEqual(8);
		expect(existsSync(join(dir, 'a.tgz'))).toBe(false);
	});

	test('names the file, the hash expected and the hash got', async () => {
		const other = randomBytes(300_000);
		answer = (_request, response) => response.end(other);
		const { code, message } = await errorOf(download({ files: [file()], dir }));
		expect(code).toBe('E_HASH_MISMATCH');
		for (const part of ['a.tgz', sha256, createHash('sha256').update(other).digest('hex')]) expect(message).toContain(part);
	});

	test.each([[300_000], [null]])('whose part is whole already is only renamed, or fetched anew (size told: %s)', async (size) => {
		answer = (request, response) => {
			if (startOf(request) >= bytes.length) response.writeHead(416).end();
			else rest(request, response);
		};
		writeFileSync(join(dir, 'a.tgz.part'), bytes);
		await download({ files: [file({ size })], dir });
		expect(readFileSync(join(dir, 'a.tgz')).equals(bytes)).toBe(true);
		expect(requests.length).toBe(size === null ? 2 : 0);
	});

	test('whose part is of another file begins again', async () => {
		answer = rest;
		writeFileSync(join(dir, 'a.tgz.part'), randomBytes(1000));
		await download({ files: [file()], dir });
		expect(readFileSync(join(dir, 'a.tgz')).equals(bytes)).toBe(true);
	});

	test('from a server without ranges begins again', async () => {
		answer = (_request, response) => response.end(bytes);
		writeFileSync(join(dir, 'a.tgz.part'), bytes.subarray(0, 1000));
		await download({ files: [file()], dir });
		expect(readFileSync(join(dir, 'a.tgz')).equals(bytes)).toBe(true);
	});

	test('that sends more than it told is cut off', async () => {
		answer = (_request, response) => {
			const more = (): void => {
				if (!response.destroyed) response.write(randomBytes(100_000), more);
			};
			more();
		};
		expect((await errorOf(download({ files: [file()], dir }))).code).toBe('E_HASH_MISMATCH');
	});

	test('stops the others when one file is not there, and says which', async () => {
		let hanging = 0;
		answer = (request, response) => {
			if (request.url === '/b.tgz') setTimeout(() => response.writeHead(404).end(), 100);
			else {
				hanging++;
				response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 10));
			}
		};
		const began = Date.now();
		const error = await errorOf(download({ files: [file(), { ...file(), name: 'b.tgz', urls: [`${url}/b.tgz`] }], dir }));
		expect(error.code).toBe('E_NOT_FOUND');
		expect(error.message).toContain('b.tgz');
		expect(hanging).toBe(1);
		expect(Date.now() - began).toBeLessThan(5000);
	});

	test('ends when it is told to, without another try', async () => {
		const control = new AbortController();
		answer = (_request, response) => {
			response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 10));
			setTimeout(() => control.abort(new Error('told')), 50);
		};
		expect((await errorOf(download({ files: [file()], dir, signal: control.signal }))).message).toBe('told');
		expect(requests.length).toBe(1);
	});

	test('into a folder that is not there says so, not that the mirror failed', async () => {
		answer = rest;
		expect((await errorOf(download({ files: [file()], dir: join(dir, 'none') }))).code).toBe('E_WRITE');
	});
});

describe('a source', () => {
	test('that goes silent is given up', async () => {
		answer = (_request, response) => {
			response.writeHead(200, { 'content-length': 100 }).write('begin');
		};
		const { stream } = await openSource(`${url}/a`, 0, undefined, 200);
		await expect(stream.toArray()).rejects.toThrow();
	});

	test('that breaks before anyone reads does not end the program; the reader is told', async () => {
		answer = (_request, response) => {
			response.writeHead(200, { 'content-length': 100 }).write('begin', () => setTimeout(() => response.destroy(), 50));
		};
		const { stream } = await openSource(`${url}/a`);
		await new Promise((resolve) => setTimeout(resolve, 200));
		await expect(stream.toArray()).rejects.toThrow();
	});

	test('behind whose name servers stand that tag the same file differently gives it, in one stream', async () => {
		const large = randomBytes(12 << 20);
		let asked = 0;
		answer = (request, response) => {
			const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
			const [start, end] = [Number(from ?? 0), to ? Number(to) + 1 : large.length];
			const range = from === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${large.length}` };
			response.writeHead(from === undefined ? 200 : 206, { etag: `"${asked++}"`, 'content-length': end - start, ...range });
			response.end(large.subarray(start, end));
		};
		const notices: string[] = [];
		const wanted = { ...file({ size: large.length }), sha256: createHash('sha256').update(large).digest('hex') };
		await download({ files: [wanted], dir, onMirror: (_mirror, notice) => notices.push(notice) });
		expect(readFileSync(join(dir, 'a.tgz')).equals(large)).toBe(true);
		expect(notices.at(-1)).toBe('a.tgz is another one each time it is asked for: it is taken in one stream');
	});

	test('that packs its answers once more is refused', async () => {
		answer = (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('text'));
		expect((await errorOf(readAll(`${url}/a`))).message).toContain('packed');
		expect(requests[0]?.headers['accept-encoding']).toBe('identity');
	});

	test.each([
		['x-gzip', 'a.tgz'],
		['gzip', 'a.tar.gz'],
		['x-xz', 'a.txz'],
	])('that calls a file %s since its name ends so (%s) gives it', async (encoding, name) => {
		answer = (_request, response) => response.writeHead(200, { 'content-encoding': encoding, 'content-length': bytes.length }).end(bytes);
		await download({ files: [{ ...file({ name }), urls: [`${url}/${name}`] }], dir });
		expect(readFileSync(join(dir, name)).equals(bytes)).toBe(true);
	});

	test('that continues elsewhere than asked is refused', async () => {
		answer = (_request, response) => response.writeHead(206, { 'content-range': 'bytes 5-9/10' }).end('56789');
		expect((await errorOf(openSource(`${url}/a`, 3))).message).toContain('another byte');
	});

	test('with a password in its URL gets it, and no error shows it', async () => {
		answer = (_request, response) => response.writeHead(503).end();
		const secret = url.replace('//', '//user:p@ss@');
		const error = await errorOf(readAll(`${secret.replace('p@ss', 'p%40ss')}/a`));
		expect(requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
		expect(JSON.stringify([error.message, error])).not.toMatch(/p(@|%40)ss/);
		expect(bare(`${secret}/a`)).toBe(`${url}/a`);
	});

	test.each(['http', 'ftp'])('that cannot be reached over %s is told', async (protocol) => {
		stop(); // its port refuses from now on
		const closed = `${url.replace('http', protocol)}/a`;
		const { code, message } = await errorOf(readAll(closed));
		expect(code).toBe('E_MIRROR_UNREACHABLE');
		expect(message).toContain(closed);
		expect(message).toContain('ECONNREFUSED');
	});

	test.each(['file:///nonexistent/a', '/nonexistent/a'])('that is not there is told: %s', async (path) => {
		expect((await errorOf(readAll(path))).code).toBe('E_NOT_FOUND');
	});

	test('that is a folder is told', async () => {
		expect((await errorOf(readAll(dir))).message).toContain('no plain file');
	});

	test('that sends without end is cut off', async () => {
		answer = (_request, response) => response.end(Buffer.alloc(3000));
		expect((await errorOf(readAll(`${url}/a`, 2000))).code).toBe('E_TOO_LARGE');
	});
});

describe('a list', () => {
	const layout: Layout = {
		release: '{{version}}',
		snapshot: 'snapshots',
		lists: [{ file: 'SHA256', signed: false }],
		keyName: 'x',
		suffixFrom: '^base([0-9]{2,3})\\.tgz$',
		archFrom: '^INSTALL\\.(.+)$',
		build: 'BUILDINFO',
		kernels: ['bsd', 'bsd.mp'],
	};
	const resolve = (...names: string[]) => {
		answer = (_request, response) => response.end(names.map((name) => `SHA256 (${name}) = ${sha256}\n`).join(''));
		return errorOf(resolveTarget({ name: '7.8', arch: 'amd64', mirror: url, keys: {}, layout }));
	};

	test.each([
		['of another architecture', ['base78.tgz', 'bsd', 'INSTALL.arm64'], 'E_LIST_ARCH'],
		['with sets of two versions', ['base78.tgz', 'base79.tgz', 'bsd', 'INSTALL.amd64'], 'E_LIST_MIXED'],
		['of another version', ['base79.tgz', 'bsd', 'INSTALL.amd64'], 'E_LIST_VERSION'],
		['without base', ['man78.tgz', 'bsd', 'INSTALL.amd64'], 'E_LIST_INCOMPLETE'],
		['without a kernel', ['base78.tgz', 'bsd.rd', 'INSTALL.amd64'], 'E_LIST_INCOMPLETE'],
		['whose BUILDINFO is another file', ['base78.tgz', 'bsd', 'INSTALL.amd64', 'BUILDINFO'], 'E_HASH_MISMATCH'],
		['that fits', ['base78.tgz', 'bsd', 'INSTALL.amd64'], 'no error'],
	])('%s: %s is %s', async (_name, names, code) => {
		expect((await resolve(...names)).code).toBe(code);
	});

	test('that broke off within a line is not taken as whole where the server tells no length', async () => {
		const list = ['base.txz', 'kernel.txz', 'lib32.txz'].map((name) => `${name}\t${sha256}\t12\t"${name}"\ton\n`).join('');
		let sent = list;
		answer = (_request, response) => {
			Object.assign(response, { useChunkedEncodingByDefault: false, shouldKeepAlive: false }).write(sent);
			response.end();
		};
		const { suffixFrom: _, archFrom: __, build: ___, ...plain } = layout;
		const tabbed = { ...plain, lists: [{ file: 'MANIFEST', signed: false }], kernels: ['kernel.txz'] };
		const resolved = () => errorOf(resolveTarget({ name: '15.0', arch: 'amd64', mirror: url, keys: {}, layout: tabbed }));
		expect((await resolved()).code).toBe('no error');
		sent = list.slice(0, list.indexOf('lib32') - 3);
		expect(await resolved()).toMatchObject({ code: 'E_LIST_INCOMPLETE', message: expect.stringContaining('ends in the middle of a line') });
	});
});
