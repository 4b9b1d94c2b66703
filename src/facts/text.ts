import type { Facts } from './facts.ts';

const NAME = 14;

/** The facts for people, a line each; `width`: columns of the terminal, where longer values go on beneath; none = never broken. */
export function factsLines(facts: Facts, width = Number.POSITIVE_INFINITY): string[] {
	const yes = (value: boolean): string => (value ? 'yes' : 'no');
	const mib = (bytes: number): number => Math.floor(bytes / 1048576);
	const time = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000', '');
	const { privileges, daemons } = facts;
	const rows: [string, string][] = [
		['host', facts.host],
		['system', `${facts.system} ${facts.release} (${facts.flavour}) ${facts.arch}`],
		['kernel', facts.kernel],
		['processors', `${facts.cpus}${facts.multiprocessor ? ', MP kernel' : ''}`],
		['custom kernel', yes(facts.customKernel)],
		['clock', time(facts.clock)],
		['up since', time(facts.bootTime)],
		['securelevel', String(facts.securelevel)],
		['root disk', `${facts.rootDisk}${facts.encryptedRoot ? ' (asks for a passphrase)' : ''}`],
		...facts.mounts.map(({ path, free, size }): [string, string] => [path, `${mib(free)} MiB free of ${mib(size)}`]),
		['sets', facts.sets.join(' ')],
		['installed', facts.installedBuild === null ? 'build not told' : `build of ${time(facts.installedBuild)}`],
		['GNU tar', facts.gnuTar ?? 'none'],
		['X running', yes(facts.xRunning)],
		['forwarding', yes(facts.forwarding)],
		['enabled', daemons.enabled.join(' ') || 'none'],
		['running', daemons.running.join(' ') || 'none'],
		['keys', Object.keys(facts.keys).join(' ') || 'none'],
		['mirror', facts.mirrors.join(' ') || 'none'],
		['packages', String(facts.packages.length)],
		...Object.entries(facts.also ?? {}).map(([name, value]): [string, string] => [name, saying(value)]),
		['login', `${privileges.user}${privileges.doas ? ', doas' : ''}${privileges.sudo ? ', sudo' : ''}`],
	];
	return rows.flatMap(([name, value]) => row(name, value, width));
}

function saying(value: NonNullable<Facts['also']>[string]): string {
	if (typeof value === 'boolean') return value ? 'yes' : 'no';
	return (Array.isArray(value) ? value.join(' ') : String(value ?? '')) || 'none';
}

/** A name longer than its column stands alone, its value beneath. */
function row(name: string, value: string, width: number): string[] {
	const indent = ' '.repeat(NAME + 1);
	const [first = '', ...rest] = wrap(value, Math.max(width - NAME - 1, 16));
	if (name.length > NAME && width !== Number.POSITIVE_INFINITY) return [name, ...[first, ...rest].map((line) => indent + line)];
	return [`${name.padEnd(NAME)} ${first}`, ...rest.map((line) => indent + line)];
}

/** Breaks at spaces, and a word longer than a line within it. */
function wrap(text: string, width: number): string[] {
	if (text.length <= width) return [text];
	const space = text.lastIndexOf(' ', width);
	const end = space > 0 ? space : width;
	return [text.slice(0, end), ...wrap(text.slice(end).trimStart(), width)];
}
