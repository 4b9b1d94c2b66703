import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type Client, type ClientChannel, type ConnectConfig } from 'ssh2';
import { BsdupError } from '../errors.ts';
import { counted } from './counted.ts';
import { connectionLost, pushFailed, timedOut } from './errors.ts';
import { fingerprint, judgeHostKey, keyType, knownTypes } from './known-hosts.ts';
import { pushScript } from './push-script.ts';
import { quote } from './quote.ts';
import { shellCommand, shellInput } from './shell-input.ts';
import { algorithmChoice, type Reach, resolveReach } from './ssh-config.ts';
import { onTerminal } from './terminal.ts';
import type { Become, PushOptions, RunOptions, RunResult, Transport } from './transport.ts';

/** How to reach a host over SSH. The `ask…` functions are absent where nobody can answer. */
export interface SshSpec {
	host: string;
	become: Become;
	identity?: string;
	configFile?: string;
	knownHostsFile?: string;
	askHostKey?: (question: string) => Promise<boolean>;
	askSecret?: (question: string) => Promise<string>;
}

const CONNECT_TIMEOUT_MS = 15_000;
/** Three unanswered keepalives end a connection: a host without power says nothing. */
const KEEPALIVE_MS = 5_000;
const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_IDENTITIES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** A host over SSH. See the contract in transport.ts; throws E_CONNECT, E_AUTH, E_HOST_KEY_* on connect. */
export function sshTransport(spec: SshSpec): Transport {
	const reach = resolveReach(spec.host, spec.configFile);
	if (spec.knownHostsFile !== undefined) reach.knownHosts = [spec.knownHostsFile];
	if (spec.identity !== undefined) reach.identities = [spec.identity];
	const name = `${reach.user}@${reach.host}:${reach.port}`;
	const shell = shellCommand(spec.become).join(' ');
	let clients: Client[] = [];
	let lost: Promise<never> = Promise.reject(connectionLost(name));
	lost.catch(() => {});

	const hangUp = (): void => {
		for (const client of clients.splice(0)) client.destroy();
	};
	const open = (command: string, pty?: { rows: number; cols: number; term: string }): Promise<ClientChannel> =>
		Promise.race([
			lost,
			new Promise<ClientChannel>((resolve, reject) => {
				const client = clients[0];
				if (client === undefined) return reject(connectionLost(name));
				const done = (error: Error | undefined, channel: ClientChannel): void =>
					error === undefined ? resolve(channel) : reject(connectionLost(name, error));
				if (pty === undefined) client.exec(command, done);
				else client.exec(command, { pty }, done);
			}),
		]);

	/** Waits for a command's end, its time, its abort or the connection's end, whichever comes first. */
	const finish = async (channel: ClientChannel, options: RunOptions): Promise<RunResult> => {
		let timer: NodeJS.Timeout | undefined;
		let onAbort = (): void => {};
		let stdout = '';
		let stderr = '';
		channel.setEncoding('utf8');
		channel.stderr.setEncoding('utf8');
		channel.on('data', (text: string) => {
			stdout += text;
			options.onStdout?.(text);
		});
		channel.stderr.on('data', (text: string) => (stderr += text));
		try {
			return await Promise.race([
				lost,
				new Promise<RunResult>((resolve, reject) => {
					const timeout = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
					timer = setTimeout(() => reject(timedOut(name, timeout)), timeout);
					onAbort = () => reject(options.signal?.reason);
					options.signal?.addEventListener('abort', onAbort, { once: true });
					let status: { code: number | null; signal: string | null } | undefined;
					channel.on('exit', (code: number | null, signal?: string) => {
						status = { code, signal: signal === undefined ? null : `SIG${signal.replace(/^SIG/, '')}` };
					});
					channel.on('error', (error: Error) => reject(connectionLost(name, error)));
					// A channel that closes without a status was torn down with its host.
					channel.on('close', () => (status === undefined ? reject(connectionLost(name)) : resolve({ ...status, stdout, stderr })));
				}),
			]);
		} finally {
			clearTimeout(timer);
			options.signal?.removeEventListener('abort', onAbort);
			channel.close();
		}
	};

	return {
		name,
		local: false,
		async connect() {
			hangUp();
			clients = await dial(reach, spec, name);
			const first = clients[0];
			lost = new Promise<never>((_, reject) => {
				const gone = (): void => reject(connectionLost(name));
				first?.on('close', gone).on('end', gone).on('error', gone);
			});
			lost.catch(() => {});
		},
		async run(script, options = {}) {
			const channel = await open(shell);
			channel.end(shellInput(script));
			return finish(channel, options);
		},
		async push(source, remotePath, { mode, sha256, onBytes, signal }: PushOptions) {
			const channel = await open(`${shell} -c ${quote(pushScript(remotePath, mode, sha256))}`);
			const ended = finish(channel, { timeoutMs: 24 * 3_600_000, ...(signal === undefined ? {} : { signal }) });
			const stream = counted(source, onBytes);
			stream.on('error', () => channel.close());
			stream.pipe(channel);
			const result = await ended;
			if (result.code !== 0)
				throw pushFailed(
					name,
					remotePath,
					result.code === 65 ? 'its SHA256 differs on arrival' : result.stderr.trim() || `status ${result.code}`,
				);
		},
		async terminal(line) {
			const channel = await open(`${shell} -c ${quote(line)}`, {
				rows: process.stdout.rows ?? 24,
				cols: process.stdout.columns ?? 80,
				term: process.env['TERM'] ?? 'vt100',
			});
			return onTerminal(channel, finish(channel, { timeoutMs: 24 * 3_600_000 }));
		},
		async close() {
			hangUp();
		},
	};
}

/** Connects, through jump hosts where asked; the host itself is the first of the clients. */
async function dial(reach: Reach, spec: SshSpec, name: string): Promise<Client[]> {
	if (reach.jump === null) return [await login(reach, spec, name)];
	const through = await dial({ ...resolveReach(reach.jump, spec.configFile), knownHosts: reach.knownHosts }, spec, reach.jump);
	const sock = await new Promise<ClientChannel>((resolve, reject) => {
		through[0]?.forwardOut('127.0.0.1', 0, reach.host, reach.port, (error, channel) =>
			error === undefined ? resolve(channel) : reject(cannotConnect(name, error)),
		);
	});
	return [await login(reach, spec, name, sock), ...through];
}

async function login(reach: Reach, spec: SshSpec, name: string, sock?: ClientChannel): Promise<Client> {
	const client = new ssh2.Client();
	let refusal: unknown;
	const types = knownTypes(reach.knownHosts, reach.host, reach.port);
	const algorithms = Object.fromEntries(Object.entries(reach.algorithms).map(([kind, text]) => [kind, algorithmChoice(text)]));
	const config: ConnectConfig = {
		host: reach.host,
		port: reach.port,
		username: reach.user,
		readyTimeout: CONNECT_TIMEOUT_MS,
		keepaliveInterval: KEEPALIVE_MS,
		...(sock === undefined ? {} : { sock }),
		algorithms: (types.length > 0 && algorithms['serverHostKey'] === undefined
			? { ...algorithms, serverHostKey: { prepend: signatureNames(types), append: [], remove: [] } }
			: algorithms) as NonNullable<ConnectConfig['algorithms']>,
		...(await credentials(reach, spec)),
		hostVerifier: (key: Buffer, decide: (trusted: boolean) => void): void => {
			admit(reach, spec, name, key).then(decide, (error: unknown) => {
				refusal = error;
				decide(false);
			});
		},
	};
	return new Promise((resolve, reject) => {
		client.once('ready', () => resolve(client));
		client.on('error', (error: Error & { level?: string }) =>
			reject(refusal ?? (error.level === 'client-authentication' ? authFailed(name, reach) : cannotConnect(name, error))),
		);
		client.once('close', () => reject(refusal ?? cannotConnect(name, new Error('closed before it was ready'))));
		client.connect(config);
	});
}

/** An RSA key signs under three names. */
function signatureNames(types: readonly string[]): string[] {
	return types.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]));
}

async function admit(reach: Reach, spec: SshSpec, name: string, key: Buffer): Promise<boolean> {
	const verdict = judgeHostKey(reach.knownHosts, reach.host, reach.port, key);
	if (verdict === 'known') return true;
	const what = `${name} shows a ${keyType(key)} key that is not known: ${fingerprint(key)}`;
	if (spec.askHostKey !== undefined && (await spec.askHostKey(what))) return true;
	throw new BsdupError({
		code: 'E_HOST_KEY_UNKNOWN',
		message: what,
		next: [`compare it at the console, then: ssh -p ${reach.port} ${reach.user}@${reach.host} true`],
	});
}

async function credentials(reach: Reach, spec: SshSpec): Promise<Partial<ConnectConfig>> {
	const agent = process.env['SSH_AUTH_SOCK'];
	const found: Partial<ConnectConfig> = agent === undefined || spec.identity !== undefined ? {} : { agent };
	const files = reach.identities.length > 0 ? reach.identities : DEFAULT_IDENTITIES.map((file) => join(homedir(), '.ssh', file));
	const file = files.find((one) => existsSync(one));
	if (file === undefined) {
		if (spec.identity !== undefined)
			throw new BsdupError({ code: 'E_IDENTITY', message: `no key at ${spec.identity}`, next: ['--identity FILE'], exit: 2 });
		if (agent === undefined && spec.askSecret !== undefined)
			found.password = await spec.askSecret(`password of ${reach.user}@${reach.host}: `);
		return found;
	}
	const privateKey = readFileSync(file);
	if (!(ssh2.utils.parseKey(privateKey) instanceof Error)) return { ...found, privateKey };
	if (spec.askSecret === undefined) return found;
	return { ...found, privateKey, passphrase: await spec.askSecret(`passphrase of ${file}: `) };
}

function authFailed(name: string, reach: Reach): BsdupError {
	return new BsdupError({
		code: 'E_AUTH',
		message: `${name} refused the login`,
		next: ['--identity FILE', `ssh -p ${reach.port} ${reach.user}@${reach.host}`],
	});
}

function cannotConnect(name: string, cause: Error): BsdupError {
	return new BsdupError({
		code: 'E_CONNECT',
		message: `cannot reach ${name}: ${cause.message}`,
		next: ['check the name, the port and the network', `ssh ${name.replace(/:(\d+)$/, ' -p $1')}`],
		cause,
	});
}
