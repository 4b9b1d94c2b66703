import { existsSync } from 'node:fs';
import { BsdupError } from '../errors.ts';
import { disagreement, type Offer } from './algorithms.ts';
import type { LoginState } from './credentials.ts';
import { quote } from './quote.ts';
import type { Reach } from './ssh-config.ts';

/** For people: `root@db1:22`. */
export function nameOf(reach: Reach): string {
	return `${reach.user}@${reach.host.includes(':') ? `[${reach.host}]` : reach.host}:${reach.port}`;
}

/** What a person types to go where bsdup goes: by the name that ssh_config knows, with the same files. */
export function sshLine({ instead, port, user, alias }: Reach, ...command: string[]): string {
	return ['ssh', ...instead, '-p', String(port), `${user}@${alias}`, ...command].map(quote).join(' ');
}

/** Why a login came to nothing, by what was offered on both sides and tried. */
export function explain(
	error: Error & { level?: string },
	reach: Reach,
	ours: Offer,
	theirs: Offer | undefined,
	state: LoginState,
): BsdupError {
	// A server that counts the tries ends the connection by itself (MaxAuthTries).
	if (error.level === 'client-authentication' || /authentication fail/i.test(error.message)) return authFailed(reach, state);
	const apart = theirs === undefined ? undefined : disagreement(ours, theirs);
	if (error.level !== 'handshake' || apart === undefined || apart.titles.length === 0) return cannotConnect(reach, error);
	return new BsdupError({
		code: 'E_SSH_ALGORITHMS',
		message: `${nameOf(reach)} speaks only algorithms that are no longer safe, or that bsdup does not speak: ${apart.titles.join(', ')}`,
		next:
			apart.lines.length === 0
				? ['use a host between that reaches it (ProxyJump)']
				: [
						'if you accept that for this host, put these lines into ~/.ssh/config (or a file for --ssh-config):',
						`Host ${reach.alias}`,
						...apart.lines.map((line) => `    ${line}`),
					],
		cause: error,
	});
}

/** E_AUTH: no key and no password was taken. */
function authFailed(reach: Reach, { tried, left }: LoginState): BsdupError {
	const missing = reach.identities.chosen ? reach.identities.files.filter((file) => !existsSync(file)) : [];
	return new BsdupError({
		code: 'E_AUTH',
		message: `${nameOf(reach)} refused the login; tried: ${tried.join(', ') || 'nothing, for want of a key'}; it takes: ${left?.join(', ') ?? '?'}`,
		next: [
			...missing.map((file) => `${file} does not exist`),
			...(tried.some((one) => one.includes('passphrase')) ? ['ssh-add, or run it in a terminal'] : []),
			'--identity FILE',
			sshLine(reach),
		],
	});
}

/** E_CONNECT: nobody answers there, or not as an SSH server. */
export function cannotConnect(reach: Reach, cause: Error & { errors?: Error[] }): BsdupError {
	// Of a name with several addresses each failed in its own way, and the error itself says nothing.
	const why = cause.message || (cause.errors ?? []).map(({ message }) => message).join(', ');
	return new BsdupError({
		code: 'E_CONNECT',
		message: `cannot reach ${nameOf(reach)}: ${why}`,
		next: [
			...(reach.proxyCommand && reach.jumps.length === 0
				? [`ssh_config has a ProxyCommand for ${reach.alias}; bsdup follows ProxyJump only`]
				: []),
			'check the name, the port and the network',
			sshLine(reach),
		],
		cause,
	});
}
