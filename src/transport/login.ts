import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type Client } from 'ssh2';
import { BsdupError } from '../errors.ts';
import { FAMILY_MS } from '../families.ts';
import { asAlgorithms, offerFor } from './algorithms.ts';
import { attempts, type LoginState, type Memory } from './credentials.ts';
import { addHostKey, fingerprint, judgeHostKey, keyType, knownTypes } from './known-hosts.ts';
import { cannotConnect, explain, nameOf, sshLine } from './login-errors.ts';
import { overhearOffer } from './server-offer.ts';
import { type Reach, resolveReach } from './ssh-config.ts';

/** Who answers, and what stands in place of the user's own files. The `ask…` functions are absent where nobody can answer. */
export interface LoginOptions {
	configFile?: string;
	knownHostsFile?: string;
	askHostKey?: (question: string) => Promise<boolean>;
	askSecret?: (question: string) => Promise<string>;
}

const MOST_JUMPS = 8;
/** What an sshd that has spoken may take for the login beyond that: a name server that does not answer costs it half a minute. Milliseconds. */
const AT_WORK_MS = 60_000;

/** A known_hosts file in the place of those of ssh_config. */
export function useKnownHosts(reach: Reach, file: string): void {
	reach.knownHosts = [file];
	// ssh(1) takes words for files, here as in ssh_config.
	reach.instead.push('-o', `UserKnownHostsFile=${/\s/.test(file) ? `"${file}"` : file}`);
}

/**
 * Connects, through jump hosts where asked; the host itself is the first of the clients. Whatever fails, nothing stays open.
 * Throws E_CONNECT, E_AUTH, E_HOST_KEY_*, E_SSH_ALGORITHMS, E_SSH_CONFIG.
 */
export async function dial(reach: Reach, options: LoginOptions, memory: Memory): Promise<Client[]> {
	const clients: Client[] = [];
	try {
		for (const hop of hopsTo(reach, options)) {
			const through = clients[0];
			const stream = through === undefined ? open(hop) : await forward(through, hop);
			clients.unshift(await login(hop, stream, options, memory));
		}
		return clients;
	} catch (error) {
		for (const client of clients) client.destroy();
		throw error;
	}
}

/** The hosts on the way, the nearest first. A jump host's own ProxyJump counts for the first of a list only, as in ssh(1). */
function hopsTo(reach: Reach, options: LoginOptions): Reach[] {
	const hops = [reach];
	for (let next: Reach | undefined = reach; next !== undefined && next.jumps.length > 0; ) {
		const list: Reach[] = next.jumps.map((spec) => resolveReach(spec, options.configFile));
		// `Host *` with a ProxyJump fits the jump host too.
		if (list.some((hop) => hops.some((one) => one.host === hop.host && one.port === hop.port))) break;
		if (options.knownHostsFile !== undefined) for (const hop of list) useKnownHosts(hop, options.knownHostsFile);
		hops.unshift(...list);
		next = list[0];
		if (hops.length > MOST_JUMPS) throw cannotConnect(reach, new Error('too many jump hosts'));
	}
	return hops;
}

function open({ host, port }: Reach): Duplex {
	return connect({ host, port, autoSelectFamilyAttemptTimeout: FAMILY_MS }).setNoDelay();
}

function forward(through: Client, hop: Reach): Promise<Duplex> {
	return new Promise((resolve, reject) => {
		const gone = (): void => reject(cannotConnect(hop, new Error('the jump host closed the connection')));
		through.once('close', gone);
		through.forwardOut('127.0.0.1', 0, hop.host, hop.port, (error, channel) => {
			through.off('close', gone);
			if (error === undefined) resolve(channel);
			else reject(cannotConnect(hop, error));
		});
	});
}

function login(reach: Reach, stream: Duplex, options: LoginOptions, memory: Memory): Promise<Client> {
	const client = new ssh2.Client();
	const theirs = overhearOffer(stream);
	return new Promise((resolve, reject) => {
		let timer: NodeJS.Timeout;
		const giveUp = (error: unknown): void => {
			clearTimeout(timer);
			client.destroy();
			stream.destroy();
			reject(error);
		};
		const state: LoginState = { left: null, tried: [], giveUp };
		const wait = (): void => {
			clearTimeout(timer);
			const late = (ms: number) => (): void => giveUp(cannotConnect(reach, new Error(`no answer for ${ms / 1000} s`)));
			timer = setTimeout(() => {
				if (theirs() === undefined) late(reach.silenceMs)();
				else timer = setTimeout(late(reach.silenceMs + AT_WORK_MS), AT_WORK_MS);
			}, reach.silenceMs);
		};
		/** Stops the clock while a person is asked. */
		const asking =
			<T>(ask: (question: string) => Promise<T>) =>
			(question: string): Promise<T> => {
				clearTimeout(timer);
				return ask(question).finally(wait);
			};
		wait();
		try {
			const ours = offerFor(reach.algorithms, knownTypes(reach.knownHosts, reach.keysOf.name, reach.keysOf.port));
			let ways = attempts(reach, state, memory, options.askSecret && asking(options.askSecret));
			client
				.on('ready', () => {
					clearTimeout(timer);
					resolve(client);
				})
				// An error after the login is told by the end of the connection, which follows; an agent's is no end.
				.on('error', (error: Error & { level?: string }) => {
					if (error.level !== 'agent') giveUp(explain(error, reach, ours, theirs(), state));
				})
				.on('close', () => giveUp(cannotConnect(reach, new Error('closed before the login was through'))))
				.connect({
					sock: stream as NonNullable<Parameters<Client['connect']>[0]['sock']>,
					username: reach.user,
					readyTimeout: 0,
					keepaliveInterval: reach.keepalive.intervalMs,
					keepaliveCountMax: reach.keepalive.count,
					algorithms: asAlgorithms(ours),
					authHandler: (left, partial, next) => {
						state.left = left;
						// A server that wants two proofs took the first; the ways begin again for the second.
						if (partial) ways = attempts(reach, state, memory, options.askSecret && asking(options.askSecret));
						ways.next().then(({ done, value }) => next(done === true ? (false as never) : value), giveUp);
					},
					hostVerifier: (key: Buffer, decide: (trusted: boolean) => void): void => {
						admit(reach, key, memory, options.askHostKey && asking(options.askHostKey)).then(() => decide(true), giveUp);
					},
				});
		} catch (error) {
			giveUp(error instanceof BsdupError ? error : cannotConnect(reach, error as Error));
		}
	});
}

/** Lets a known key pass, and one that a person trusts, which is then known. Throws E_HOST_KEY_*. */
async function admit(reach: Reach, key: Buffer, memory: Memory, ask?: (question: string) => Promise<boolean>): Promise<void> {
	const { name, port } = reach.keysOf;
	const verdict = judgeHostKey(reach.knownHosts, name, port, key);
	const remembered = `${reach.host}:${reach.port} ${key.toString('base64')}`;
	if (verdict === 'known' || memory.trusted.has(remembered)) return;
	const other = verdict === 'extra' ? '; keys of other types are known' : '';
	const what = `${nameOf(reach)} shows a ${keyType(key)} key that is not known: ${fingerprint(key)}${other}`;
	if (ask === undefined || !(await ask(what)))
		throw new BsdupError({
			code: 'E_HOST_KEY_UNKNOWN',
			message: what,
			next: [`compare it at the console, then: ${sshLine(reach, 'true')}`],
		});
	memory.trusted.add(remembered);
	const [file] = reach.knownHosts;
	try {
		if (file !== undefined) addHostKey(file, name, port, key, reach.hashKnownHosts);
	} catch {
		// A file that cannot be written is no reason not to go on, as in ssh(1): the next run asks again.
	}
}
