import { execFileSync, spawn } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { readAll } from '../../src/fetch/source.ts';
import { canBeLate, listenLate } from '../lab/late-listener.ts';
import { ROOT } from '../lab/root.ts';
import { canNginx, canPyftpdlib, canVsftpd, freePort, type RealServer, serveNginx, servePyftpdlib, serveVsftpd } from './servers.ts';
import { FetchWorld } from './world.ts';

let world: FetchWorld;
const servers: RealServer[] = [];
beforeAll(() => {
	world = new FetchWorld({ a: 100_000 });
	world.mirror('mirror');
});
afterEach(async () => {
	vi.restoreAllMocks();
	vi.unstubAllEnvs();
	await Promise.all(servers.splice(0).map((server) => server.stop()));
});
afterAll(() => world.remove());
beforeEach(() => world.empty());
const mirror = () => join(world.top, 'mirror');
async function started<S extends RealServer>(starting: Promise<S>): Promise<S> {
	const server = await starting;
	servers.push(server);
	return server;
}

describe('a name with two addresses', () => {
	/** Any name has these. */
	function bothAddresses(...addresses: string[]): void {
		const all = (addresses.length > 0 ? addresses : ['::1', '127.0.0.1']).map((address) => ({
			...{ address, family: address.includes(':') ? 6 : 4 },
		}));
		vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: unknown, done: (error: null, all: unknown) => void) => {
			done(null, all);
		}) as unknown as typeof dns.lookup);
	}

	const kinds: [string, boolean, (address: string) => Promise<RealServer>][] = [
		['nginx', canNginx, (address) => serveNginx(mirror(), { address: address === '::1' ? '[::1]' : address })],
		['vsftpd', canVsftpd, (address) => serveVsftpd(mirror(), [], address)],
		['pyftpdlib', canPyftpdlib, (address) => servePyftpdlib(mirror(), { address })],
	];
	describe.each(kinds)('of %s', (_kind, can, serve) => {
		test.skipIf(!can).each(['::1', '127.0.0.1'])(
			'of which only %s answers gives the file (needs that server, as root)',
			async (address) => {
				const server = await started(serve(address));
				bothAddresses();
				const { code, message } = await world.fetch([server.url.replace(/\[::1\]|127\.0\.0\.1/, 'mirror.test')]);
				expect({ code, message }).toEqual({ code: null, message: '' });
				expect(world.wrong(true)).toEqual([]);
			},
		);
	});

	test.skipIf(!canNginx || !canVsftpd)(
		'of which one swallows all that is sent to it costs little (needs nginx and vsftpd, as root)',
		async () => {
			for (const serve of [() => serveNginx(mirror()), () => serveVsftpd(mirror())]) {
				const server = await started(serve());
				const port = Number(new URL(server.url).port);
				const hole = await blackHole(port);
				bothAddresses();
				const began = performance.now();
				expect((await readAll(`${server.url.replace('127.0.0.1', 'mirror.test')}/a`)).equals(world.bytes('a'))).toBe(true);
				// Two seconds for each connection that tries the dead one first; this bound is for a machine under load.
				expect(performance.now() - began).toBeLessThan(8000);
				hole();
				vi.restoreAllMocks();
			}
		},
	);

	test.skipIf(!canBeLate)('of which one is far away and the other leads nowhere gives the file over http (needs python3)', async () => {
		const server = createHttpServer((_request, response) => response.end('far')).listen(0, '127.0.0.1');
		await once(server, 'listening');
		const late = await listenLate((server.address() as AddressInfo).port);
		onTestFinished(late.close);
		bothAddresses('127.0.0.1', '127.0.0.2');
		expect(String(await readAll(`http://mirror.test:${late.port}/a`))).toBe('far');
		server.close();
	});

	test.skipIf(!canBeLate || !canPyftpdlib)(
		'of which one is far away and the other leads nowhere gives the file over ftp (needs python3 and pyftpdlib)',
		async () => {
			const server = await started(servePyftpdlib(mirror(), {}));
			const late = await listenLate(Number(new URL(server.url).port));
			onTestFinished(late.close);
			bothAddresses('127.0.0.1', '127.0.0.2');
			expect((await readAll(`ftp://mirror.test:${late.port}/a`)).equals(world.bytes('a'))).toBe(true);
		},
	);

	/** Listens on [::1] and lets nobody in: its queue is full, so that the kernel drops what comes. */
	async function blackHole(port: number): Promise<() => void> {
		const program = `import socket, time
s = socket.socket(socket.AF_INET6)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("::1", ${port})); s.listen(0)
print("ready", flush=True)
time.sleep(600)`;
		const child = spawn('/usr/bin/python3', ['-c', program], { stdio: ['ignore', 'pipe', 'ignore'] });
		await once(child.stdout, 'data');
		const fill: Socket[] = Array.from({ length: 3 }, () => connect(port, '::1').on('error', () => {}));
		if (fill[0] !== undefined) await once(fill[0], 'connect');
		return () => {
			child.kill('SIGKILL');
			for (const socket of fill) socket.destroy();
		};
	}
});

describe('a proxy of the environment', () => {
	test.skipIf(!canNginx)('is asked for http, but not for what no_proxy names (needs nginx, as root)', async () => {
		const server = await started(serveNginx(mirror()));
		const proxy = await started(serveNginx(world.top, { server: 'location / { proxy_pass http://$http_host$request_uri; }' }));
		vi.stubEnv('http_proxy', proxy.url);
		expect((await world.fetch([server.url])).code).toBe(null);
		expect(proxy.served().length).toBe(1);
		expect(world.wrong(true)).toEqual([]);
		world.empty();
		vi.stubEnv('no_proxy', '127.0.0.1');
		expect((await world.fetch([server.url])).code).toBe(null);
		expect(proxy.served().length).toBe(1);
	});

	test('may be named without its scheme, as curl takes it', async () => {
		const proxy = createHttpServer((request, response) => response.end(request.url)).listen(0, '127.0.0.1');
		await once(proxy, 'listening');
		vi.stubEnv('http_proxy', `127.0.0.1:${(proxy.address() as AddressInfo).port}`);
		expect((await readAll('http://mirror.test/a')).toString()).toBe('http://mirror.test/a');
		proxy.close();
	});

	test('that is no URL is told to be what is wrong, without its password', async () => {
		vi.stubEnv('http_proxy', 'http://user:ge/heim@proxy.test:3128');
		await expect(readAll('http://mirror.test/a')).rejects.toMatchObject({
			message: 'cannot reach http://mirror.test/a: http_proxy in the environment is no URL of a proxy',
		});
	});

	test.skipIf(!canNginx)('carries https in a tunnel, and its password is in no message (needs nginx, as root)', async () => {
		const tls = await started(serveNginx(mirror(), { tls: certificate() }));
		const tunnels: string[] = [];
		const proxy = createHttpServer().on('connect', (request, socket) => {
			tunnels.push(`${request.url} ${request.headers['proxy-authorization']}`);
			const [host = '', port] = (request.url ?? '').split(':');
			const out = connect(Number(port), host, () => {
				socket.write('HTTP/1.1 200 OK\r\n\r\n');
				out.pipe(socket).pipe(out);
			});
			out.on('error', () => socket.destroy());
			socket.on('error', () => out.destroy());
		});
		proxy.listen(0, '127.0.0.1');
		await once(proxy, 'listening');
		vi.stubEnv('https_proxy', `http://user:geheim@127.0.0.1:${(proxy.address() as AddressInfo).port}`);
		const { code, message } = await world.fetch([tls.url]);
		proxy.close();
		expect(code).toBe('E_MIRROR_UNREACHABLE'); // nobody vouches for that certificate
		expect(message).not.toContain('geheim');
		expect(tunnels[0]).toBe(`${new URL(tls.url).host} Basic ${Buffer.from('user:geheim').toString('base64')}`);
	});
});

/** nginx's lines for a certificate of an authority that only `ca.pem` knows. */
function certificate(): string {
	const at = (name: string): string => join(world.top, name);
	const make = (args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
	make(['req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=practice authority', '-days', '2']);
	const ask = ['req', '-x509', ...key, '-keyout', at('key.pem'), '-out', at('cert.pem'), '-subj', '/CN=mirror', '-days', '2'];
	make([...ask, '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-addext', 'subjectAltName=IP:127.0.0.1']);
	return `ssl_certificate ${at('cert.pem')}; ssl_certificate_key ${at('key.pem')};`;
}

describe('https', () => {
	test.skipIf(!canNginx)(
		'is refused where nobody vouches for the certificate, and taken where NODE_EXTRA_CA_CERTS does (needs nginx, as root)',
		async () => {
			const server = await started(serveNginx(mirror(), { tls: certificate() }));
			const { code, message } = await world.fetch([server.url]);
			expect({ code, message }).toEqual({ code: 'E_MIRROR_UNREACHABLE', message: expect.stringContaining('certificate') });
			const program = `import { readAll } from ${JSON.stringify(join(ROOT, 'dist/src/fetch/source.js'))};
			console.log((await readAll(${JSON.stringify(`${server.url}/a`)})).length);`;
			const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(world.top, 'ca.pem') };
			expect(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', env })).toBe('100000\n');
		},
	);

	test.skipIf(!canNginx)(
		'gets the login of a mirror that leads to it from http, under the same name only (needs nginx, as root)',
		async () => {
			const guard = `if ($http_authorization != "Basic ${btoa('u:p')}") { return 401; }`;
			const secure = await started(serveNginx(mirror(), { tls: certificate(), server: guard }));
			const plain = await started(serveNginx(mirror(), { server: `return 301 ${secure.url}$request_uri;` }));
			const program = `import { readAll } from ${JSON.stringify(join(ROOT, 'dist/src/fetch/source.js'))};
		for (const url of process.argv.slice(1)) await readAll(url).then(({ length }) => console.log(length), ({ message }) => console.log(message));`;
			const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(world.top, 'ca.pem') };
			const url = `${plain.url.replace('//', '//u:p@')}/a`;
			const urls = [url, url.replace('127.0.0.1', 'localhost')];
			const said = execFileSync(process.execPath, ['--input-type=module', '-e', program, ...urls], { encoding: 'utf8', env });
			expect(said).toMatch(/^100000\n.*HTTP status 401\n$/);
		},
	);

	test.skipIf(!canNginx)('and http are not left by a redirect (needs nginx, as root)', async () => {
		const server = await started(serveNginx(mirror(), { server: 'return 302 ftp://127.0.0.1/a;' }));
		const { message } = await world.fetch([server.url]);
		expect(message).toContain('redirects to ftp://');
	});
});

test.skipIf(!canNginx)('a password goes to its own server only, and a wrong one is not tried again (needs nginx, as root)', async () => {
	const other = await started(serveNginx(mirror(), { server: 'if ($http_authorization) { return 500; }' }));
	const server = await started(
		serveNginx(mirror(), {
			server: `if ($http_authorization != "Basic ${btoa('u:p')}") { return 401; } return 302 ${other.url}$request_uri;`,
		}),
	);
	expect((await world.fetch([server.url.replace('//', '//u:p@')])).code).toBe(null);
	expect(world.wrong(true)).toEqual([]);
	world.empty();
	const before = server.served().length;
	const { code, message } = await world.fetch([server.url.replace('//', '//u:wrong@')]);
	expect({ code, message }).toEqual({ code: 'E_MIRROR_UNREACHABLE', message: expect.stringMatching(/HTTP status 401$/) });
	expect(server.served().length).toBe(before + 1);
});

describe('a server that hangs', () => {
	async function hanging(says: string): Promise<{ port: number; close: () => void }> {
		const server = createServer((socket) => {
			socket.on('error', () => {}).once('data', () => socket.write(says));
		}).listen(0, '127.0.0.1');
		await once(server, 'listening');
		return { port: (server.address() as AddressInfo).port, close: () => server.close() };
	}
	const head = (status: string): string => `HTTP/1.1 ${status}\r\nlocation: ftp://mirror.test/a\r\ncontent-length: 100\r\n\r\n`;

	test.each([
		['404 Not Found', 'E_NOT_FOUND', /is not there/],
		['302 Found', 'E_MIRROR_UNREACHABLE', /redirects to ftp:/],
		['416 Range Not Satisfiable', 'E_MIRROR_UNREACHABLE', /HTTP status 416/],
		['503 Service Unavailable', 'E_MIRROR_UNREACHABLE', /HTTP status 503/],
	])('within an answer of %s is left', async (status, code, says) => {
		const { port, close } = await hanging(head(status));
		const asked = readAll(`http://127.0.0.1:${port}/a`, 1 << 20, { stallMs: 400, leastRate: 1, windowMs: 400 });
		await expect(asked).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
		close();
	});

	test('in its greeting over ftp, word after word, is given up', async () => {
		const server = createServer((socket) => {
			const drip = setInterval(() => socket.write('220-welcome\r\n'), 100);
			socket.on('error', () => {}).on('close', () => clearInterval(drip));
		}).listen(0, '127.0.0.1');
		await once(server, 'listening');
		const asked = readAll(`ftp://127.0.0.1:${(server.address() as AddressInfo).port}/a`, 1 << 20, {
			stallMs: 400,
			leastRate: 1,
			windowMs: 400,
		});
		await expect(asked).rejects.toMatchObject({
			code: 'E_MIRROR_UNREACHABLE',
			message: expect.stringMatching(/no answer in 1.6 seconds$/),
		});
		server.close();
	});

	test('as a proxy that never says whether it goes on is given up', async () => {
		const { port, close } = await hanging('');
		vi.stubEnv('https_proxy', `http://127.0.0.1:${port}`);
		const asked = readAll('https://mirror.test/a', 1 << 20, { stallMs: 400, leastRate: 1, windowMs: 400 });
		await expect(asked).rejects.toMatchObject({
			code: 'E_MIRROR_UNREACHABLE',
			message: expect.stringMatching(/no answer in 1.8 seconds$/),
		});
		close();
	});
});

test('a server that hangs after its header is given up', async () => {
	const port = await freePort();
	const hanging = createServer((socket) => {
		socket.on('error', () => {}).once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n'));
	}).listen(port, '127.0.0.1');
	await once(hanging, 'listening');
	const { code, message } = await world.fetch([`http://127.0.0.1:${port}`]);
	expect({ code, message }).toEqual({ code: 'E_MIRROR_UNREACHABLE', message: expect.stringContaining('nothing came for 0.4 seconds') });
	world.empty();
	const both = await world.fetch([`http://127.0.0.1:${port}`, mirror()]);
	hanging.close();
	expect(both.code).toBe(null);
	expect(world.wrong(true)).toEqual([]);
});
