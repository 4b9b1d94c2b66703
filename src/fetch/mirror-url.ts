import { BsdupError, EXIT } from '../errors.ts';
import { bare } from './mirror-errors.ts';

/** No character that sh, a quoted word or a list of words would take for something else. */
const TOP = /^(https?|ftp|file):\/\/[^\s'"`$();|&<>]+$|^\/[^\s'"`$();|&<>]*$/;

/** What may be a password that holds a slash: a client takes its first part for a port, and messages would show the rest. */
const SLASH = /^[a-z]+:\/\/[^/]*:[^/]*\/.*@/;

/** The top of a mirror as a person writes it, without slashes at its end. Throws E_MIRROR_URL, without a password in it. */
export function mirrorTop(text: string): string {
	const slash = SLASH.test(text);
	if (TOP.test(text) && !slash && (text.startsWith('/') || URL.canParse(text))) return text.replace(/(?<=.)\/+$/, '');
	throw new BsdupError({
		code: 'E_MIRROR_URL',
		message: `${JSON.stringify(bare(text))} is no mirror`,
		next: [
			...(slash ? ['in a password write %2F for a slash, in a path %40 for an @'] : []),
			...['--mirror https://HOST/pub/PATH', '--mirror /DIR   (a directory of this machine, from / on, without blanks)'],
		],
		exit: EXIT.usage,
	});
}

/** Whether a mirror's URL holds a user or a password. */
export function hasLogin(url: string): boolean {
	return bare(url) !== url;
}

/**
 * A bare URL with the user and password of its mirror put in. `logins`: tops of mirrors that hold them; plans and journals hold bare
 * URLs only, so this is done when a file is fetched and never before.
 */
export function withLogin(url: string, logins: readonly string[]): string {
	const login = logins.find((top) => hasLogin(top) && (url === bare(top) || url.startsWith(`${bare(top)}/`)));
	return login === undefined ? url : login + url.slice(bare(login).length);
}
