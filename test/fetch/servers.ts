import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { ROOT } from '../lab/root.ts';

/** Real servers on loopback, for tests: each on a free port, in the foreground, ended by its own pid. */

export interface RealServer {
	/** The top of the mirror, no slash at the end. */
	url: string;
	stop(): Promise<void>;
}

const root = process.getuid?.() === 0;
export const canNginx = root && existsSync('/usr/sbin/nginx');
export const canVsftpd = root && existsSync('/usr/sbin/vsftpd');
/** Debian's package is for Debian's own Python. */
export const canPyftpdlib =
	existsSync('/usr/bin/python3') && spawnSync('/usr/bin/python3', ['-c', 'import pyftpdlib.servers'], { stdio: 'ignore' }).status === 0;
export const canSignify = existsSync('/usr/bin/signify-openbsd');

export interface Served {
	/** Bytes of the body that went out, before a client hung up too. */
	bytes: number;
	status: number;
	/** The path and query asked for, and the Range header ('-' = none). */
	path: string;
	range: string;
}

export interface NginxServer extends RealServer {
	port: number;
	/** What was asked of it so far. */
	served(): Served[];
}

/** Serves `dir` with nginx. `server`: more directives of the server, `http`: those around it. */
export async function serveNginx(
	dir: string,
	{
		server = '',
		http = '',
		address = '127.0.0.1',
		tls = '',
		port: wanted,
	}: { server?: string; http?: string; address?: string; tls?: string; port?: number } = {},
): Promise<NginxServer> {
	const port = wanted ?? (await freePort());
	const own = mkdtempSync('/tmp/bsdup-nginx-');
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${own}/${kind};`).join(' ');
	writeFileSync(
		join(own, 'conf'),
		`user root; daemon off; master_process off; pid ${own}/pid; error_log ${own}/log;
events {}
http { log_format ours '$body_bytes_sent $status $request_uri "$http_range"'; access_log ${own}/access ours; ${temporary} ${http}
	server { listen ${address}:${port}${tls === '' ? '' : ' ssl'}; ${tls} root ${dir}; ${server} } }
`,
	);
	const child = spawn('/usr/sbin/nginx', ['-p', own, '-e', join(own, 'log'), '-c', join(own, 'conf')], { stdio: 'ignore' });
	await listening(port, child, address.replace(/[[\]]/g, ''));
	return {
		url: `http${tls === '' ? '' : 's'}://${address}:${port}`,
		port,
		served: () =>
			[...readFileSync(join(own, 'access'), 'utf8').matchAll(/^(\d+) (\d+) (\S+) "(.*)"$/gm)].map(
				([, bytes, status, path = '', range = '']) => ({
					bytes: Number(bytes),
					status: Number(status),
					path,
					range,
				}),
			),
		stop: () => end(child, own),
	};
}

/** Serves `dir` with vsftpd to anonymous clients. `more`: lines of its configuration. */
export async function serveVsftpd(dir: string, more: readonly string[] = [], address = '127.0.0.1'): Promise<RealServer> {
	const port = await freePort();
	const own = mkdtempSync('/tmp/bsdup-vsftpd-');
	mkdirSync(join(own, 'empty'), { mode: 0o555 });
	// The anonymous user must be able to walk into the folder, and vsftpd refuses a writable root.
	execFileSync('chmod', ['-R', 'a+rX,go-w', dir]);
	const six = address.includes(':');
	writeFileSync(
		join(own, 'conf'),
		`${[
			six ? 'listen_ipv6=YES' : 'listen=YES',
			six ? `listen_address6=${address}` : `listen_address=${address}`,
			`listen_port=${port}`,
			'background=NO',
			'anonymous_enable=YES',
			'local_enable=NO',
			'no_anon_password=YES',
			`anon_root=${dir}`,
			'ftp_username=daemon', // any user whose home is there
			`secure_chroot_dir=${own}/empty`,
			'seccomp_sandbox=NO',
			'xferlog_enable=NO',
			...more,
		].join('\n')}\n`,
	);
	const child = spawn('/usr/sbin/vsftpd', [join(own, 'conf')], { stdio: 'ignore' });
	await listening(port, child, address);
	return { url: `ftp://${six ? `[${address}]` : address}:${port}`, stop: () => end(child, own) };
}

export interface PyftpdlibOptions {
	/** Without it anonymous clients are let in, with it only this user. */
	user?: string;
	password?: string;
	address?: string;
	/** It does not know REST. */
	noRest?: boolean;
	/** It knows neither EPSV nor SIZE, as very old ones. */
	old?: boolean;
	/** Connections that it allows from one address. */
	connections?: number;
	/** It closes each data connection after so many bytes and says that all went well. */
	cutAfter?: number;
	/** It sends so many bytes a second at most. */
	rate?: number;
}

/** Serves `dir` with pyftpdlib. */
export async function servePyftpdlib(dir: string, options: PyftpdlibOptions = {}): Promise<RealServer> {
	const { address = '127.0.0.1', user } = options;
	const port = await freePort();
	const own = mkdtempSync('/tmp/bsdup-pyftpdlib-');
	const program = join(ROOT, 'test/fetch/ftp-server.py');
	const child = spawn('/usr/bin/python3', [program, dir, JSON.stringify({ ...options, address, port })], { stdio: 'ignore' });
	await listening(port, child, address);
	const host = address.includes(':') ? `[${address}]` : address;
	return { url: `ftp://${user === undefined ? '' : `${user}:${options.password}@`}${host}:${port}`, stop: () => end(child, own) };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	await new Promise((resolve) => server.close(resolve));
	if (address === null || typeof address === 'string') throw new Error('no port');
	return address.port;
}

async function listening(port: number, child: ChildProcess, address: string): Promise<void> {
	for (let tries = 0; tries < 100; tries++) {
		if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
		const open = await new Promise<boolean>((resolve) => {
			const socket = connect(port, address);
			socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
			socket.once('connect', () => socket.end());
		});
		if (open) return;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	throw new Error(`${child.spawnfile} does not listen`);
}

async function end(child: ChildProcess, own: string): Promise<void> {
	const ended = new Promise((resolve) => child.once('exit', resolve));
	if (child.exitCode === null && child.signalCode === null) {
		child.kill('SIGTERM');
		await ended;
	}
	rmSync(own, { recursive: true, force: true });
}
