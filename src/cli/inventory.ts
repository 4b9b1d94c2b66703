import type { HostFlags } from '../journal/state.ts';
import { type Console, consoleBy } from '../run/console.ts';
import { parseHostSpec } from '../transport/host-spec.ts';
import { readConfig } from './config.ts';

/** How a host is reached. */
export interface Way {
	/** `[user@]name[:port]`. */
	spec: string;
	flags: HostFlags;
}

/**
 * A host as it was typed, by what the config file tells of that name: what was typed wins, user, port and flags alike. A name that
 * it does not hold stays as it is. Throws E_CONFIG, E_HOST_NAME.
 */
export function wayTo(typed: string, flags: HostFlags): Way {
	const { host, console: _, ...known } = entryOf(typed) ?? {};
	if (host === undefined) return { spec: typed, flags: { ...known, ...given(flags) } };
	const [over, own] = [parseHostSpec(typed), parseHostSpec(host)];
	const user = over.user ?? own.user;
	const port = over.port ?? own.port;
	const name = own.name.includes(':') ? `[${own.name}]` : own.name;
	const spec = `${user === undefined ? '' : `${user}@`}${name}${port === undefined ? '' : `:${port}`}`;
	return { spec, flags: { ...known, ...given(flags) } };
}

/** The console of a host as it was typed; null for this machine, and where the config file tells no command for it. */
export function hostConsole(typed: string | null): Console | null {
	const command = typed === null ? undefined : entryOf(typed)?.console;
	return command === undefined ? null : consoleBy(command);
}

function entryOf(typed: string): ReturnType<typeof readConfig>['hosts'][string] | undefined {
	const { hosts } = readConfig();
	return Object.hasOwn(hosts, typed) ? hosts[typed] : hosts[parseHostSpec(typed).name];
}

function given(flags: HostFlags): HostFlags {
	return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}
