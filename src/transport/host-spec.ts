import { BsdupError, EXIT } from '../errors.ts';

/** `[user@]name[:port]`, taken apart. IPv6 addresses, with their zone where they have one, are in brackets before a port. */
export interface HostSpec {
	user?: string;
	name: string;
	port?: number;
}

/** `ssh://` before it counts for nothing, as for ssh(1). Throws E_HOST_NAME for anything that is not plainly a host: spaces, quotes, `$()`, newlines, a leading dash. */
export function parseHostSpec(typed: string): HostSpec {
	const spec = typed.replace(/^ssh:\/\/([^/]*)\/?$/, '$1');
	const match =
		/^(?:([A-Za-z_][A-Za-z0-9_.-]*)@)?(?:\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)\]|([A-Za-z0-9_][A-Za-z0-9_.-]*))(?::(\d{1,5}))?$/.exec(
			spec,
		) ?? /^(?:([A-Za-z_][A-Za-z0-9_.-]*)@)?([0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9._-]+)?)()()$/.exec(spec);
	const port = match?.[4] ? Number(match[4]) : undefined;
	if (match === null || (port !== undefined && (port < 1 || port > 65_535))) {
		throw new BsdupError({
			code: 'E_HOST_NAME',
			message: `${JSON.stringify(typed)} is no host`,
			next: ['write it as [user@]name[:port]'],
			exit: EXIT.usage,
		});
	}
	return { name: match[2] ?? match[3] ?? '', ...(match[1] ? { user: match[1] } : {}), ...(port === undefined ? {} : { port }) };
}
