import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../lab/practice-host.ts';

/** Where OpenSSH's server is looked for; it must be started by its full path. */
export const SSHD = '/usr/sbin/sshd';
export const haveSshd = existsSync(SSHD);

/** A real sshd on a free loopback port, for logins of the present user; everything it reads is in a directory of its own. */
export interface Sshd {
	dir: string;
	port: number;
	user: string;
	/** A key without passphrase that it lets in. */
	identity: string;
	/** `[127.0.0.1]:PORT` and its host key, as a line of known_hosts. */
	known: string;
	/** A known_hosts file with that line. */
	knownHosts: string;
	/** Its log so far. */
	log(): string;
	/** Ends every connection, and begins to listen again when `back`. */
	restart(back: boolean): Promise<void>;
	/** Lets another key in. */
	admit(publicKeyFile: string): void;
	stop(): Promise<void>;
}

/** Starts it. `extra`: lines of sshd_config, which win over those given here; `hostKey`: the type of its key. */
export async function startSshd(extra: readonly string[] = [], hostKey = 'ed25519'): Promise<Sshd> {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-sshd-'));
	const { username: user } = userInfo();
	const port = await freePort();
	const at = (name: string): string => join(dir, name);
	// As root, sshd wants this directory of the package.
	if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
	makeKey(at('host_key'), hostKey);
	makeKey(at('id'));
	writeFileSync(at('authorized_keys'), readFileSync(at('id.pub')), { mode: 0o600 });
	writeFileSync(
		at('sshd_config'),
		[
			// Another home, so that no login runs what the user's own shell is set up to do. Only the first SetEnv counts.
			...extra.map((line) => (line.startsWith('SetEnv ') ? `${line} HOME=${dir}` : line)),
			`SetEnv HOME=${dir}`,
			`Port ${port}`,
			'ListenAddress 127.0.0.1',
			`HostKey ${at('host_key')}`,
			`AuthorizedKeysFile ${at('authorized_keys')}`,
			`PidFile ${at('pid')}`,
			'PermitRootLogin yes',
			'PasswordAuthentication no',
			'KbdInteractiveAuthentication no',
			'UsePAM no',
			'StrictModes no',
			'LogLevel VERBOSE',
			'',
		].join('\n'),
	);
	const known = `[127.0.0.1]:${port} ${readFileSync(at('host_key.pub'), 'utf8').split(' ').slice(0, 2).join(' ')}`;
	writeFileSync(at('known_hosts'), `${known}\n`);
	let process_: ChildProcess;
	const begin = async (): Promise<void> => {
		// A group of its own, so that the processes of its sessions end with it.
		process_ = spawn(SSHD, ['-D', '-f', at('sshd_config'), '-E', at('log')], { stdio: 'ignore', detached: true });
		for (let tries = 0; !(await answers(port)); tries++) {
			if (tries > 100) throw new Error(`sshd does not listen:\n${readFileSync(at('log'), 'utf8')}`);
			await sleep(50);
		}
	};
	const end = async (): Promise<void> => {
		const gone = new Promise((resolve) => process_.once('exit', resolve));
		for (const pid of family(process_.pid ?? 0)) kill(pid);
		await gone;
	};
	await begin();
	return {
		dir,
		port,
		user,
		identity: at('id'),
		known,
		knownHosts: at('known_hosts'),
		log: () => readFileSync(at('log'), 'utf8'),
		async restart(back) {
			await end();
			if (back) await begin();
		},
		admit: (file) => appendFileSync(at('authorized_keys'), readFileSync(file)),
		async stop() {
			if (process_.exitCode === null && process_.signalCode === null) await end();
			rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
		},
	};
}

/** Makes a key pair in `file` and `file`.pub. */
export function makeKey(file: string, type = 'ed25519', passphrase = ''): string {
	execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', `key ${file.split('/').at(-1)}`, '-f', file]);
	chmodSync(file, 0o600);
	return file;
}

/** A process and all below it; those that end meanwhile have none. */
function family(pid: number): number[] {
	let children: number[] = [];
	try {
		children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
	} catch {
		// it has ended
	}
	return [pid, ...children.flatMap(family)];
}

function kill(pid: number): void {
	try {
		process.kill(pid, 'SIGKILL');
	} catch {
		// It ended by itself.
	}
}

function answers(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, '127.0.0.1');
		socket.once('data', () => resolve(true)).once('error', () => resolve(false));
		socket.once('data', () => socket.destroy());
	});
}
