import { readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import SSHConfig from 'ssh-config';
import { parseHostSpec } from './host-spec.ts';

/** How to reach a host, after ssh_config(5) had its say. Algorithm lists are only set where the file sets them. */
export interface Reach {
	host: string;
	port: number;
	user: string;
	identities: string[];
	jump: string | null;
	knownHosts: string[];
	algorithms: { kex?: string; serverHostKey?: string; cipher?: string; hmac?: string };
}

/** Resolves `[user@]name[:port]` or an alias. What is written in `spec` wins over the file, as in ssh(1). */
export function resolveReach(spec: string, configFile = join(homedir(), '.ssh', 'config')): Reach {
	const { name, user, port } = parseHostSpec(spec);
	const config = SSHConfig.parse(readOr(configFile, '')).compute(name, { ignoreCase: true });
	const value = (key: string): string | undefined => {
		const found = config[key.toLowerCase()] ?? config[key];
		return Array.isArray(found) ? found[0] : found;
	};
	const list = (key: string): string[] => {
		const found = config[key.toLowerCase()] ?? config[key];
		return found === undefined ? [] : Array.isArray(found) ? found : [found];
	};
	const home = (path: string): string => path.replace(/^~(?=\/|$)/, homedir());
	const jump = value('ProxyJump');
	const known = list('UserKnownHostsFile')
		.flatMap((files) => files.split(/\s+/))
		.map(home);
	const algorithms = Object.entries({ kex: 'KexAlgorithms', serverHostKey: 'HostKeyAlgorithms', cipher: 'Ciphers', hmac: 'MACs' });
	return {
		host: value('HostName')?.replace('%h', name) ?? name,
		port: port ?? Number(value('Port') ?? 22),
		user: user ?? value('User') ?? userInfo().username,
		identities: list('IdentityFile').map(home),
		jump: jump === undefined || jump === 'none' ? null : jump,
		knownHosts: known.length > 0 ? known : [join(homedir(), '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'],
		algorithms: Object.fromEntries(
			algorithms.map(([ours, theirs]) => [ours, value(theirs)]).filter(([, text]) => text !== undefined),
		) as Reach['algorithms'],
	};
}

function readOr(file: string, otherwise: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return otherwise;
	}
}

/** `+a,b` adds, `-a` takes away, `^a` puts first, else the list stands alone (ssh_config(5)). For ssh2's `algorithms`. */
export function algorithmChoice(text: string): string[] | { append?: string[]; remove?: string[]; prepend?: string[] } {
	const names = text.replace(/^[+^-]/, '').split(',');
	if (text.startsWith('+')) return { append: names };
	if (text.startsWith('-')) return { remove: names };
	return text.startsWith('^') ? { prepend: names } : names;
}
