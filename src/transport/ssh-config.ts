import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type AlgorithmKind, KINDS } from './algorithms.ts';
import { parseHostSpec } from './host-spec.ts';
import { type ConfigSource, home, readOptions } from './ssh-config-file.ts';
import { portOf, timeMs } from './ssh-numbers.ts';
import { expand, hostNamed, tokensFor } from './ssh-tokens.ts';

/** How to reach a host, after ssh_config(5) had its say. Algorithm lists are only set where the file sets them. */
export interface Reach {
	/** As it was typed, without user and port: the name a Host line of ssh_config has. */
	alias: string;
	host: string;
	port: number;
	user: string;
	/** Key files, in the order in which they are tried. `chosen`: somebody named them; else they are the usual ones. */
	identities: { files: string[]; chosen: boolean; only: boolean };
	/** Path of the agent's socket. */
	agent: string | null;
	/** Specs of the jump hosts, the nearest first. */
	jumps: string[];
	/** A ProxyCommand is set for it, which is not followed. */
	proxyCommand: boolean;
	/** As what known_hosts has its keys. */
	keysOf: { name: string; port: number };
	/** The first of them is the one that new keys are added to. */
	knownHosts: string[];
	hashKnownHosts: boolean;
	/** How long the host may be silent until it has told what it speaks (ConnectTimeout); the time a person takes to answer does not count. */
	silenceMs: number;
	/** A connection ends when `count` questions, one each `intervalMs`, had no answer. */
	keepalive: { intervalMs: number; count: number };
	algorithms: Partial<Record<AlgorithmKind, string>>;
	/** What ssh(1) is told in place of the user's own files, as words. */
	instead: string[];
}

/** Three unanswered questions end a connection: a host without power says nothing. Milliseconds. */
const KEEPALIVE_MS = 5_000;
const KEEPALIVE_COUNT = 3;
const SILENCE_MS = 15_000;
const USUAL_IDENTITIES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * Resolves `[user@]name[:port]` or an alias. What is written in `spec` wins over the file, as in ssh(1). Without `configFile`
 * it is the user's, then the system's. Throws E_HOST_NAME, E_SSH_CONFIG.
 */
export function resolveReach(spec: string, configFile?: string): Reach {
	const typed = parseHostSpec(spec);
	const mine = join(homedir(), '.ssh');
	const sources: ConfigSource[] =
		configFile === undefined
			? [
					{ file: join(mine, 'config'), base: mine, must: false },
					{ file: '/etc/ssh/ssh_config', base: '/etc/ssh', must: false },
				]
			: [{ file: configFile, base: mine, must: true }];
	const options = readOptions(sources, typed);
	const list = (keyword: string): string[] => options.get(keyword.toLowerCase()) ?? [];
	const value = (keyword: string): string | undefined => list(keyword)[0];
	const files = (keyword: string): string[] => list(keyword).filter((file) => file.toLowerCase() !== 'none');

	const host = hostNamed(value('HostName'), typed.name);
	const port = typed.port ?? portOf(value('Port'));
	const user = value('User') ?? userInfo().username;
	const alias = value('HostKeyAlias');
	const tokens = tokensFor({ typed: typed.name, host, port, user, alias });
	const path = (text: string): string => home(expand(text, tokens));
	const jump = expand(value('ProxyJump') ?? 'none', tokens);
	const identities = files('IdentityFile').map(path);
	const known = (keyword: string, usual: string): string[] => {
		const named = files(keyword).map(path);
		return named.length > 0 ? named : [usual, `${usual}2`];
	};
	return {
		alias: typed.name,
		host,
		port,
		user,
		identities: {
			files: identities.length > 0 ? identities : USUAL_IDENTITIES.map((file) => join(mine, file)),
			chosen: identities.length > 0,
			only: value('IdentitiesOnly')?.toLowerCase() === 'yes',
		},
		agent: agentSocket(value('IdentityAgent'), path),
		jumps: jump.toLowerCase() === 'none' ? [] : jump.split(',').map((one) => one.trim()),
		proxyCommand: (value('ProxyCommand') ?? 'none').toLowerCase() !== 'none',
		// An alias stands there alone, also where the port is another (ssh_config(5)).
		keysOf: alias === undefined ? { name: host, port } : { name: alias, port: 22 },
		knownHosts: [...known('UserKnownHostsFile', join(mine, 'known_hosts')), ...known('GlobalKnownHostsFile', '/etc/ssh/ssh_known_hosts')],
		hashKnownHosts: value('HashKnownHosts')?.toLowerCase() === 'yes',
		silenceMs: timeMs('ConnectTimeout', value('ConnectTimeout')) || SILENCE_MS,
		keepalive: {
			intervalMs: timeMs('ServerAliveInterval', value('ServerAliveInterval')) || KEEPALIVE_MS,
			count: Number(value('ServerAliveCountMax') ?? 0) || KEEPALIVE_COUNT,
		},
		algorithms: Object.fromEntries(
			Object.entries(KINDS).flatMap(([kind, { option }]) => {
				const text = value(option);
				return text === undefined ? [] : [[kind, text]];
			}),
		),
		instead: configFile === undefined ? [] : ['-F', configFile],
	};
}

function agentSocket(setting: string | undefined, path: (text: string) => string): string | null {
	if (setting?.toLowerCase() === 'none') return null;
	if (setting === undefined || setting === 'SSH_AUTH_SOCK') return process.env['SSH_AUTH_SOCK'] || null;
	return setting.startsWith('$') && !setting.startsWith('${') ? (process.env[setting.slice(1)] ?? null) : path(setting);
}
