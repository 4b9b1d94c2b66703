import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'ssh2';
import { BsdupError, EXIT } from '../errors.ts';
import { afterBanner } from './banner.ts';
import { proveRoot } from './become.ts';
import { type Command, runChannel } from './channel.ts';
import type { Memory } from './credentials.ts';
import { connectionLost } from './errors.ts';
import { dial, type LoginOptions, useKnownHosts } from './login.ts';
import { nameOf } from './login-errors.ts';
import { push } from './push.ts';
import { loader } from './push-script.ts';
import { quote } from './quote.ts';
import { shellCommand, shellInput } from './shell-input.ts';
import { resolveReach } from './ssh-config.ts';
import { onTerminal } from './terminal.ts';
import { type Become, DEFAULT_TIMEOUT_MS, type FeedOptions, type RunOptions, type RunResult, type Transport } from './transport.ts';

/** How to reach a host over SSH. */
export interface SshSpec extends LoginOptions {
	host: string;
	become: Become;
	/** The one key file to log in with. */
	identity?: string;
}

const WITHOUT_END_MS = 24 * 3_600_000;
/** A server takes a number of channels at once (MaxSessions); then one waits for another's end. */
const CHANNEL_PAUSE_MS = 200;
const REFUSALS_WHEN_IDLE = 5;

/** A host over SSH. See the contract in transport.ts; throws E_CONNECT, E_AUTH, E_HOST_KEY_*, E_BECOME on connect. */
export function sshTransport(spec: SshSpec): Transport {
	const reach = resolveReach(spec.host, spec.configFile);
	if (spec.knownHostsFile !== undefined) useKnownHosts(reach, spec.knownHostsFile);
	if (spec.identity !== undefined) {
		if (!existsSync(spec.identity))
			throw new BsdupError({ code: 'E_IDENTITY', message: `no key at ${spec.identity}`, next: ['--identity FILE'], exit: EXIT.usage });
		reach.identities = { files: [spec.identity], chosen: true, only: true };
		reach.instead.push('-i', spec.identity);
	}
	const name = nameOf(reach);
	// In the login shell's place: otherwise some answer 137 for a command that ended by SIGKILL.
	const shell = `exec ${shellCommand(spec.become).join(' ')}`;
	const memory: Memory = { trusted: new Set(), keys: new Map(), passwords: new Map() };
	let clients: Client[] = [];
	/** The connection is in use and nothing speaks against it. */
	let sound = false;
	let connecting: Promise<void> | undefined;
	let rootProven = false;
	/** Commands that run. */
	let working = 0;

	const hangUp = (): void => {
		sound = false;
		for (const client of clients.splice(0)) client.destroy();
	};
	const connect = async (): Promise<void> => {
		hangUp();
		const made = await dial(reach, spec, memory);
		clients = made;
		sound = true;
		made[0]?.setMaxListeners(0).once('close', () => {
			if (clients === made) hangUp();
		});
		try {
			if (!rootProven) await proveRoot(name, reach.user, spec.become, (script) => run(script));
			rootProven = true;
		} catch (error) {
			hangUp();
			throw error;
		}
	};
	const start = async (command: Command, options: RunOptions): Promise<RunResult> => {
		const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
		for (let refusals = 0; ; ) {
			const client = clients[0];
			if (client === undefined) throw connectionLost(name);
			let began = 0;
			const feed: Command['feed'] = (...channel) => {
				working += began = 1;
				command.feed(...channel);
			};
			try {
				return await runChannel(client, name, { ...command, feed }, { ...options, timeoutMs });
			} catch (error) {
				const code = error instanceof BsdupError ? error.code : '';
				// After these the next connect() makes a new connection; a sound one is shared by all who ask for it.
				if (code === 'E_TIMEOUT' || code === 'E_CONNECTION_LOST') sound &&= clients[0] !== client;
				// The wait for an own command's end is no silence of the host: an archive may take the only channel for hours.
				refusals = working > 0 ? 0 : refusals + 1;
				if (code !== 'E_CHANNEL' || refusals >= REFUSALS_WHEN_IDLE) throw error;
			} finally {
				working -= began;
			}
			await sleep(CHANNEL_PAUSE_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
		}
	};
	const run = async (script: string, options: RunOptions = {}): Promise<RunResult> => {
		const banner = afterBanner(options);
		const feed: Command['feed'] = (channel) => void channel.end(banner.opening + shellInput(script));
		return banner.result(await start({ line: shell, feed }, banner.options));
	};
	const feed = async (script: string, source: Readable, options: FeedOptions): Promise<RunResult> => {
		const { broken = (error) => error } = options;
		const command: Command = {
			line: `${shell} -c ${quote(loader(script))}`,
			feed(channel, fail) {
				channel.write(script);
				source.on('error', (error) => fail(broken(error))).pipe(channel);
			},
		};
		try {
			return await start(command, options);
		} finally {
			source.destroy();
		}
	};

	return {
		name,
		local: false,
		async connect() {
			if (connecting === undefined && sound) return;
			connecting ??= connect().finally(() => {
				connecting = undefined;
			});
			await connecting;
		},
		run,
		feed,
		push: (source, remotePath, options) => push({ name, run, feed }, source, remotePath, options),
		async terminal(line, signal) {
			const { rows = 24, columns: cols = 80 } = process.stdout;
			let leave = (): void => {};
			const pty = { rows, cols, term: process.env['TERM'] ?? 'vt100' };
			const feed: Command['feed'] = (channel) => {
				leave = onTerminal(channel);
			};
			try {
				return await start(
					{ line: `${shell} -c ${quote(line)}`, pty, feed },
					{
						timeoutMs: WITHOUT_END_MS,
						...(signal === undefined ? {} : { signal }),
					},
				);
			} finally {
				leave();
			}
		},
		async close() {
			hangUp();
		},
	};
}
