import type { Algorithms } from 'ssh2';
import { BsdupError, EXIT } from '../errors.ts';
import { fitsPatterns } from './patterns.ts';

/** What two sides must agree on; the names are those of ssh2. */
export type AlgorithmKind = 'kex' | 'serverHostKey' | 'cipher' | 'hmac';

interface Kind {
	/** Its keyword in ssh_config(5). */
	option: string;
	/** For people. */
	title: string;
	/** Offered to every host, the best first. */
	usual: string[];
	/** Only offered to a host for which ssh_config asks for them; the least bad first. */
	legacy: string[];
}

/** Every algorithm that this client can speak. SHA-1, CBC and RC4 are legacy. */
export const KINDS: Readonly<Record<AlgorithmKind, Kind>> = {
	kex: {
		option: 'KexAlgorithms',
		title: 'key exchange',
		usual: [
			'curve25519-sha256',
			'curve25519-sha256@libssh.org',
			...['256', '384', '521'].map((bits) => `ecdh-sha2-nistp${bits}`),
			'diffie-hellman-group-exchange-sha256',
			'diffie-hellman-group14-sha256',
			...['15', '16', '17', '18'].map((group) => `diffie-hellman-group${group}-sha512`),
		],
		legacy: ['diffie-hellman-group14-sha1', 'diffie-hellman-group-exchange-sha1', 'diffie-hellman-group1-sha1'],
	},
	serverHostKey: {
		option: 'HostKeyAlgorithms',
		title: 'type of host key',
		usual: ['ssh-ed25519', ...['256', '384', '521'].map((bits) => `ecdsa-sha2-nistp${bits}`), 'rsa-sha2-512', 'rsa-sha2-256'],
		legacy: ['ssh-rsa', 'ssh-dss'],
	},
	cipher: {
		option: 'Ciphers',
		title: 'cipher',
		usual: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr', 'chacha20-poly1305@openssh.com'],
		legacy: ['aes256-cbc', 'aes192-cbc', 'aes128-cbc', '3des-cbc', 'blowfish-cbc', 'cast128-cbc', 'arcfour256', 'arcfour128', 'arcfour'],
	},
	hmac: {
		option: 'MACs',
		title: 'MAC',
		usual: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
		legacy: ['hmac-sha1-etm@openssh.com', 'hmac-sha1', 'hmac-ripemd160', 'hmac-sha1-96', 'hmac-md5', 'hmac-md5-96'],
	},
};

/** The lists to offer, best first. */
export type Offer = Record<AlgorithmKind, string[]>;

/**
 * What to offer a host: `wanted` are its lines of ssh_config, `knownTypes` the types of its keys in known_hosts, which come
 * first so that a host shows the key that is known. Throws E_SSH_CONFIG for a line of which this client speaks nothing.
 */
export function offerFor(wanted: Partial<Record<AlgorithmKind, string>>, knownTypes: readonly string[]): Offer {
	const list = (kind: AlgorithmKind): string[] => choose(kind, wanted[kind]);
	const hostKeys = list('serverHostKey');
	// An RSA key signs under three names.
	const known = new Set(knownTypes.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type])));
	const ordered = /^[^+-]/.test(wanted.serverHostKey ?? '')
		? hostKeys
		: [...hostKeys.filter((name) => known.has(name)), ...hostKeys.filter((name) => !known.has(name))];
	return { kex: list('kex'), serverHostKey: ordered, cipher: list('cipher'), hmac: list('hmac') };
}

/** `+a,b` adds, `-a*` takes away, `^a` puts first, else the list stands alone (ssh_config(5)). */
function choose(kind: AlgorithmKind, text: string | undefined): string[] {
	const { option, usual, legacy } = KINDS[kind];
	if (text === undefined) return usual;
	const names = text.replace(/^[+^-]/, '').split(',');
	const named = names.flatMap((name) => [...usual, ...legacy].filter((one) => fitsPatterns([name], one)));
	const others = usual.filter((name) => !named.includes(name));
	const lists: Record<string, string[]> = {
		'+': [...usual, ...named.filter((name) => !usual.includes(name))],
		'-': others,
		'^': [...named, ...others],
	};
	const chosen = lists[text[0] ?? ''] ?? named;
	if (chosen.length > 0) return chosen;
	throw new BsdupError({
		code: 'E_SSH_CONFIG',
		message: `${option} ${text}: bsdup speaks none of these`,
		next: [`it speaks ${[...usual, ...legacy].join(',')}`],
		exit: EXIT.usage,
	});
}

/** An offer as ssh2 takes it: by patterns, since it throws for a name that this machine's OpenSSL lacks. */
export function asAlgorithms(offer: Offer): Algorithms {
	const pattern = (name: string): RegExp => new RegExp(`^${name.replace(/[.+]/g, '\\$&')}$`);
	return Object.fromEntries(
		Object.entries(offer).map(([kind, names]) => [kind, { remove: [/^/], append: names.map(pattern) }]),
	) as unknown as Algorithms;
}

/** Where what we offer and what a host offers have nothing in common, and the lines of ssh_config that would help. */
export function disagreement(ours: Offer, theirs: Offer): { titles: string[]; lines: string[] } {
	const apart = (Object.keys(KINDS) as AlgorithmKind[]).filter(
		(kind) => theirs[kind].length > 0 && !ours[kind].some((name) => theirs[kind].includes(name)),
	);
	return {
		titles: apart.map((kind) => KINDS[kind].title),
		lines: apart.flatMap((kind) => {
			const { option, usual, legacy } = KINDS[kind];
			const common = [...usual, ...legacy].find((name) => theirs[kind].includes(name));
			return common === undefined ? [] : [`${option} +${common}`];
		}),
	};
}
