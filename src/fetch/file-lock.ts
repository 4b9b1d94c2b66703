import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BsdupError } from '../errors.ts';
import { quote } from '../transport/quote.ts';
import { onDisk } from './write-errors.ts';

/**
 * Locks between programs on one machine, with proof: the file `PATH.NONCE` names a socket on which its holder listens. The kernel
 * closes that when the holder ends, however it ends: who can connect knows that it lives, who is refused knows that it is gone.
 * Each holder has a name of its own, so that nobody ever removes the lock of a living one.
 */

/** The longest pause before the next try, in milliseconds: two that asked at the same instant must not do so for ever. */
const JITTER = 100;
const PREFIX = 'bsdup-lock-';
const NONCE = /^[0-9a-f]{12}$/;

/** Does `work` while nobody else works at `path`. Throws E_WRITE, E_LOCKED, the signal's reason, and what `work` throws. */
export async function withLock<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
	for (;;) {
		signal.throwIfAborted();
		const own = `${path}.${randomBytes(6).toString('hex')}`;
		const { socket, close } = await listen();
		let holder: Holder | null;
		try {
			await onDisk(own, writeFile(`${own}.new`, `${hostname()}\n${socket}\n`));
			await onDisk(own, rename(`${own}.new`, own));
			holder = await livingHolder(path, own);
			if (holder === null) return await work();
		} finally {
			await Promise.allSettled([own, `${own}.new`].map((name) => rm(name, { force: true })));
			await close();
		}
		// Who asks at the same time sees this one too: both have stepped back.
		await goneOf(holder, signal);
		await sleep(Math.random() * JITTER, undefined, { signal });
	}
}

/** Listens until `close`, which ends all who wait too. */
async function listen(): Promise<{ socket: string; close: () => Promise<void> }> {
	// A socket's path is short by nature (about 100 bytes), so it cannot lie beside the file.
	const dir = await mkdtemp(join(tmpdir(), PREFIX));
	const waiting = new Set<Socket>();
	const server = createServer((one) => {
		waiting.add(one);
		one.on('error', () => {}).on('close', () => waiting.delete(one));
	});
	const socket = join(dir, 's');
	server.listen(socket);
	await once(server, 'listening');
	server.unref();
	return {
		socket,
		close: async () => {
			server.close();
			for (const one of waiting) one.destroy();
			await removeSocket(socket);
		},
	};
}

/** Whether a path that a lock names is one that `listen` made: a lock may say anything. */
function isOurs(socket: string): boolean {
	const dir = dirname(socket);
	return basename(socket) === 's' && basename(dir).startsWith(PREFIX) && dirname(dir) === tmpdir();
}

/** Removes a socket and its folder; nothing else can be in there. */
async function removeSocket(socket: string): Promise<void> {
	await rm(socket, { force: true }).catch(() => {});
	await rmdir(dirname(socket)).catch(() => {});
}

/** One that holds the lock, or wants it. */
interface Holder {
	connection: Socket;
	/** Resolves when it has let go, or is dead. */
	gone: Promise<void>;
}

/** Another that holds or wants the lock, or null where nobody does. Locks of the dead are removed. */
async function livingHolder(path: string, own: string): Promise<Holder | null> {
	const prefix = `${basename(path)}.`;
	for (const name of await readdir(dirname(path))) {
		const lock = join(dirname(path), name);
		if (!name.startsWith(prefix) || !NONCE.test(name.slice(prefix.length)) || lock === own) continue;
		const [host, socket] = (await readFile(lock, 'utf8').catch(() => '')).split('\n');
		// It went while this one looked.
		if (host === undefined || socket === undefined) continue;
		if (host !== hostname()) throw locked(lock, `a program on ${host}, of which nothing can be known here`);
		const found = await holderAt(socket);
		if (typeof found !== 'string') return found;
		if (found !== 'ECONNREFUSED' && found !== 'ENOENT') throw locked(lock, `another program (${found})`);
		await rm(lock, { force: true });
		if (isOurs(socket)) await removeSocket(socket);
	}
	return null;
}

/** The holder behind a socket, or the code of the error where none answers. */
async function holderAt(socket: string): Promise<Holder | string> {
	const connection = connect(socket).resume();
	// Both from the start: it may let go at once.
	const gone = new Promise<void>((resolve) => connection.once('close', () => resolve()));
	const refused = new Promise<string>((resolve) =>
		connection.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)),
	);
	const connected = new Promise<null>((resolve) => connection.once('connect', () => resolve(null)));
	const code = await Promise.race([connected, refused]);
	// Reset is one that let go before it took the connection in.
	return code === null || code === 'ECONNRESET' ? { connection, gone } : code;
}

async function goneOf({ connection, gone }: Holder, signal: AbortSignal): Promise<void> {
	const stop = (): void => void connection.destroy();
	signal.addEventListener('abort', stop);
	if (signal.aborted) stop();
	await gone;
	signal.removeEventListener('abort', stop);
	signal.throwIfAborted();
}

function locked(lock: string, by: string): BsdupError {
	return new BsdupError({
		code: 'E_LOCKED',
		message: `${basename(lock).replace(/\.part\.lock\..*/, '')} is being fetched by ${by}`,
		next: [`if that is not true: rm ${quote(lock)}`],
	});
}
