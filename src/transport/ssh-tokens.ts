import { homedir, hostname, userInfo } from 'node:os';
import { BsdupError, EXIT } from '../errors.ts';

/** PATH_MAX of the systems bsdup runs on, roughly. Characters. */
const LONGEST = 4096;

/** What is known of a host when tokens are put in place. */
export interface Named {
	/** As it was typed. */
	typed: string;
	host: string;
	port: number;
	user: string;
	/** HostKeyAlias. */
	alias: string | undefined;
}

/** The host that HostName makes of the one typed, in which `%h` stands for that. Throws as expand. */
export function hostNamed(hostName: string | undefined, typed: string): string {
	return hostName === undefined ? typed : expand(hostName, { h: typed });
}

/** The values of `%x`, by letter (ssh_config(5), TOKENS). */
export function tokensFor({ typed, host, port, user, alias }: Named): Record<string, string> {
	const { uid, username } = userInfo();
	return {
		d: homedir(),
		h: host,
		i: String(uid),
		k: alias ?? typed,
		L: hostname().split('.')[0] ?? '',
		l: hostname(),
		n: typed,
		p: String(port),
		r: user,
		u: username,
	};
}

/**
 * Puts `%x` and `${NAME}` in place (ssh_config(5), TOKENS and ENVIRONMENT VARIABLES); what is not known stays. Throws E_SSH_CONFIG for what
 * is longer than any path, before or after: tokens may hold what other tokens made.
 */
export function expand(text: string, tokens: Readonly<Record<string, string>>): string {
	const whole = (one: string): string => {
		if (one.length <= LONGEST) return one;
		throw new BsdupError({
			code: 'E_SSH_CONFIG',
			message: `a value in ssh_config is longer than ${LONGEST} characters: ${one.slice(0, 40)}...`,
			next: ['shorten it', '--ssh-config FILE   (another file)'],
			exit: EXIT.usage,
		});
	};
	return whole(
		whole(text)
			.replace(/%(.)/g, (as, letter: string) => (letter === '%' ? '%' : (tokens[letter] ?? as)))
			.replace(/\$\{(\w+)\}/g, (as, name: string) => process.env[name] ?? as),
	);
}
