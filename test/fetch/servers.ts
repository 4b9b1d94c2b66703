import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

/** Real servers on loopback, for tests: each on a free port, in the foreground, ended by its own pid. */

export interface RealServer {
	/** The top of the mirror, no slash at the end. */
	url: string;
	stop(): Promise<void>;
}

const root = process.getuid?.() === 0;
export const canNginx = root && existsSync('/usr/sbin/nginx');
export const canVsftpd = root && existsSync('/usr/sbin/vsftpd');
export const canSignify = existsSync('/usr/bin/signify-openbsd');

/** Serves `dir` with nginx. `server`: more directives of the server. */
export async function serveNginx(dir: string, { server = '' }: { server?: string } = {}): Promise<RealServer> {
	const port = await freePort();
	const own = mkdtempSync('/tmp/bsdup-nginx-');
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${own}/${kind};`).join(' ');
	writeFileSync(
		join(own, 'conf'),
		`user root; daemon off; master_process off; pid ${own}/pid; error_log ${own}/log;
events {}
http { access_log off; ${temporary} server { listen 127.0.0.1:${port}; root ${dir}; ${server} } }
`,
	);
	const child = spawn('/usr/sbin/nginx', ['-p', own, '-e', join(own, 'log'), '-c', join(own, 'conf')], { stdio: 'ignore' });
	await listening(port, child);
	return { url: `http://127.0.0.1:${port}`, stop: () => end(child, own) };
}

/** Serves `dir` with vsftpd to anonymous clients. */
export async function serveVsftpd(dir: string): Promise<RealServer> {
	const port = await freePort();
	const own = mkdtempSync('/tmp/bsdup-vsftpd-');
	mkdirSync(join(own, 'empty'), { mode: 0o555 });
	// The anonymous user must be able to walk into the folder, and vsftpd refuses a writable root.
	execFileSync('chmod', ['-R', 'a+rX,go-w', dir]);
	writeFileSync(
		join(own, 'conf'),
		`${[
			'listen=YES',
			'listen_address=127.0.0.1',
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
		].join('\n')}\n`,
	);
	const child = spawn('/usr/sbin/vsftpd', [join(own, 'conf')], { stdio: 'ignore' });
	await listening(port, child);
	return { url: `ftp://127.0.0.1:${port}`, stop: () => end(child, own) };
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	await new Promise((resolve) => server.close(resolve));
	if (address === null || typeof address === 'string') throw new Error('no port');
	return address.port;
}

async function listening(port: number, child: ChildProcess): Promise<void> {
	for (let tries = 0; tries < 100; tries++) {
		if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
		const open = await new Promise<boolean>((resolve) => {
			const socket = connect(port, '127.0.0.1');
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
