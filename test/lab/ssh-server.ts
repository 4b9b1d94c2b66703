import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import ssh2, { type Algorithms, type AuthContext, type PseudoTtyInfo, type ServerChannel, type Session } from 'ssh2';

/**
 * Stands for OpenSSH's sshd where its logins cannot work: in a user namespace of one uid. As the real one it starts
 * /usr/sbin/sshd again for each connection, so that the gate judges each new session and never one that is open.
 *
 *   sshd -p PORT    becomes a daemon; ends when that listens
 *   sshd -D PORT    the daemon itself
 *   sshd -R         one connection, which is its file descriptor 0
 *   sshd -t         ends with 255 where sshd_config holds a keyword it does not know
 *
 * A terminal is script(1)'s; it keeps the size it began with.
 */

const SSHD = '/usr/sbin/sshd';
const CONFIG = '/etc/ssh/sshd_config';
const REAL = '/lab/real/bin';
/** What OpenSSH's is told by its SetEnv. */
const PATH = '/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin';
/** The signals that the protocol has names for (RFC 4254, 6.10). */
const NAMED = new Set(['ABRT', 'ALRM', 'FPE', 'HUP', 'ILL', 'INT', 'KILL', 'PIPE', 'QUIT', 'SEGV', 'TERM', 'USR1', 'USR2']);
/** What a shell answers for a program that SIGSYS ended; the protocol has no name for it. */
const BAD_SYSTEM_CALL = 159;

/** The keywords that practice hosts write (tree.ts, install.ts). */
const KEYWORDS =
	/^(#|$|(PermitRootLogin|UsePAM|StrictModes|PasswordAuthentication|Subsystem|SetEnv|MaxSessions|KexAlgorithms|HostKeyAlgorithms|Ciphers|MACs|PubkeyAcceptedAlgorithms) )/;

const [mode, port = ''] = process.argv.slice(2);
if (mode === '-p') becomeDaemon();
else if (mode === '-D') listen();
else if (mode === '-R') serve();
else if (mode === '-t') testConfig(CONFIG);
else {
	console.error('sshd: usage: sshd -p PORT');
	process.exitCode = 1;
}

function testConfig(file: string): void {
	readFileSync(file, 'utf8')
		.split('\n')
		.forEach((line, index) => {
			if (KEYWORDS.test(line.trim())) return;
			console.error(`${file}: line ${index + 1}: Bad configuration option: ${line.trim().split(' ')[0]}`);
			process.exitCode = 255;
		});
}

function becomeDaemon(): void {
	const daemon = spawn(process.execPath, [fileURLToPath(import.meta.url), '-D', port], {
		detached: true,
		stdio: ['ignore', 'ignore', openSync('/lab/log/sshd', 'a'), 'ipc'],
	});
	daemon.once('message', () => process.exit(0));
	daemon.once('exit', () => process.exit(1));
}

function listen(): void {
	const server = createServer({ pauseOnConnect: true }, (socket) => {
		const session = spawn(SSHD, ['-R'], { detached: true, stdio: [socket, 'ignore', 'inherit'] });
		session.on('error', (error) => console.error(`sshd: ${error.message}`));
		// The session has its own copy now: when it dies, the kernel ends the connection.
		socket.destroy();
	});
	server.listen(Number(port), '127.0.0.1', () => process.send?.('listening', () => process.disconnect()));
}

function serve(): void {
	const keys = ['ed25519', 'rsa'].map((type) => `/etc/ssh/ssh_host_${type}_key`).filter((file) => existsSync(file));
	const server = new ssh2.Server({ hostKeys: keys.map((file) => readFileSync(file)), algorithms: algorithmsOf(CONFIG) }, (client) => {
		client.on('authentication', (context) => (allowed(context) ? context.accept() : context.reject(['publickey'])));
		client.on('session', (accept) => onSession(accept()));
		client.on('error', (error) => console.error(`sshd: ${error.message}`));
		client.on('close', () => process.exit(0));
	});
	server.injectSocket(new Socket({ fd: 0 }));
}

/** The algorithms that sshd_config names; ssh2's own where it names none. */
function algorithmsOf(file: string): Algorithms {
	const text = readFileSync(file, 'utf8');
	const kinds = { kex: 'KexAlgorithms', serverHostKey: 'HostKeyAlgorithms', cipher: 'Ciphers', hmac: 'MACs' };
	const named = Object.entries(kinds).map(([kind, word]) => [kind, new RegExp(`^${word} (.*)$`, 'm').exec(text)?.[1]?.split(',')]);
	return Object.fromEntries(named.filter(([, list]) => list !== undefined)) as Algorithms;
}

/** The account's own authorized_keys, by public key only; a key without a signature is only asked about. */
function allowed(context: AuthContext): boolean {
	if (context.method !== 'publickey') return false;
	const account = accountOf(context.username);
	if (account === null) return false;
	let text: string;
	try {
		text = readFileSync(`${account.home}/.ssh/authorized_keys`, 'utf8');
	} catch {
		return false;
	}
	return text.split('\n').some((line) => {
		const key = ssh2.utils.parseKey(line);
		if (key instanceof Error || !key.getPublicSSH().equals(context.key.data)) return false;
		if (context.signature === undefined || context.blob === undefined) return true;
		return key.verify(context.blob, context.signature, context.hashAlgo) === true;
	});
}

interface Account {
	name: string;
	home: string;
	shell: string;
}

/** Only uid 0 can be: it is the namespace's one. */
function accountOf(user: string): Account | null {
	for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
		const [name, , uid, , , home, shell] = line.split(':');
		if (name === user && uid === '0' && home !== undefined && shell !== undefined) return { name, home, shell };
	}
	return null;
}

function onSession(session: Session): void {
	let pty: PseudoTtyInfo | undefined;
	session.on('pty', (accept, _reject, info) => {
		pty = info;
		accept?.();
	});
	session.on('exec', (accept, _reject, { command }) => start(accept(), ['-c', command], pty));
	session.on('shell', (accept) => start(accept(), ['-l'], pty));
}

/** Runs root's shell with these words on the channel, until it ended and all it said is sent. */
function start(channel: ServerChannel, words: string[], pty: PseudoTtyInfo | undefined): void {
	const account = accountOf('root');
	if (account === null) {
		channel.exit(1);
		channel.end();
		return;
	}
	const { name, home, shell } = account;
	const env = { PATH, HOME: home, USER: name, LOGNAME: name, SHELL: shell, ...(pty === undefined ? {} : { TERM: pty.term }) };
	const [program, ...args] = pty === undefined ? [shell, ...words] : onTerminal([shell, ...words], pty);
	// script(1) starts its line by SHELL: not by the tree's own, which the gate would log.
	const child = spawn(program ?? shell, args, {
		cwd: home,
		env: pty === undefined ? env : { ...env, SHELL: `${REAL}/dash`, LAB_SHELL: shell },
		detached: true,
	});
	child.stdin.on('error', () => {});
	channel.pipe(child.stdin);
	child.stdout.pipe(channel, { end: false });
	child.stderr.pipe(channel.stderr, { end: false });
	child.once('error', (error) => console.error(`sshd: ${error.message}`));
	channel.once('close', () => {
		for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
		if (pty !== undefined) child.kill('SIGHUP');
	});
	child.once('close', (code, signal) => {
		const known = signal?.replace('SIG', '') ?? '';
		if (NAMED.has(known)) channel.exit(known);
		else channel.exit(signal === 'SIGSYS' ? BAD_SYSTEM_CALL : (code ?? 255));
		channel.end();
	});
}

/** The same words on a terminal of its own, with all that makes it from outside the tree. */
function onTerminal(words: readonly string[], { rows, cols }: PseudoTtyInfo): string[] {
	const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
	return [
		`${REAL}/script`,
		'-qefc',
		`${REAL}/stty rows ${rows} cols ${cols}; SHELL=$LAB_SHELL; export SHELL; unset LAB_SHELL; exec ${line}`,
		'/dev/null',
	];
}
