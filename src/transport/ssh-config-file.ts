// biome-ignore lint/style/noRestrictedImports: execa is a quarter of the time in which bsdup starts; only Match exec would need it here.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import SSHConfig, { type Line } from 'ssh-config';
import { BsdupError, EXIT } from '../errors.ts';
import type { HostSpec } from './host-spec.ts';
import { fitsPatterns } from './patterns.ts';
import { portOf } from './ssh-numbers.ts';
import { expand, hostNamed, tokensFor } from './ssh-tokens.ts';

/** Values by keyword in lower case. The first value won; those of IdentityFile add up (ssh_config(5)). */
export type SshOptions = Map<string, string[]>;

/** A file to read; `must`: its absence is an error. Relative Includes are looked up in `base`. */
export interface ConfigSource {
	file: string;
	base: string;
	must: boolean;
}

const ADDS_UP = new Set(['identityfile']);
/** Of these whichever comes first counts, `none` too, and the other does not. */
const RIVALS: Readonly<Record<string, string>> = { proxyjump: 'proxycommand', proxycommand: 'proxyjump' };
/** Criteria of Match that nothing follows. */
const ALONE = new Set(['all', 'canonical', 'final']);
const DEEPEST_INCLUDE = 16;

/**
 * What the files say of a host as it was typed, user and port too if they were. Host and Match with their negations, and Include, are
 * followed. Throws E_SSH_CONFIG for a file that cannot be read.
 */
export function readOptions(sources: readonly ConfigSource[], { name: host, user, port }: HostSpec): SshOptions {
	const options: SshOptions = new Map(user === undefined ? [] : [['user', [user]]]);
	let wantsFinal = false;
	let final = false;

	const now = (keyword: string, otherwise: string): string => options.get(keyword)?.[0] ?? otherwise;
	const hostNow = (): string => hostNamed(options.get('hostname')?.[0], host);
	const tokensNow = (): Record<string, string> =>
		tokensFor({
			...{ typed: host, host: hostNow(), port: port ?? portOf(now('port', '22')) },
			...{ user: now('user', userInfo().username), alias: options.get('hostkeyalias')?.[0] },
		});
	const criterion = (name: string, value: string): boolean => {
		const list = value.split(',');
		const localUser = userInfo().username;
		switch (name) {
			case 'all':
				return true;
			case 'final':
				return final;
			case 'host':
				return fitsPatterns(list, hostNow());
			case 'originalhost':
				return fitsPatterns(list, host);
			case 'user':
				return fitsPatterns(list, now('user', localUser));
			case 'localuser':
				return fitsPatterns(list, localUser);
			case 'exec':
				return spawnSync(expand(value, tokensNow()), { shell: true }).status === 0;
			default:
				return false;
		}
	};
	const matches = (words: readonly string[]): boolean => {
		let all = true;
		for (let at = 0; at < words.length; at++) {
			const word = (words[at] ?? '').toLowerCase();
			const name = word.replace(/^!/, '');
			const value = ALONE.has(name) ? '' : (words[++at] ?? '');
			if (name === 'final') wantsFinal = true;
			// In this order: a program of `exec` is started only where all before it holds, as by ssh(1).
			all &&= criterion(name, value) !== word.startsWith('!');
		}
		return all;
	};
	const walk = (lines: readonly Line[], base: string, depth: number): void => {
		for (const line of lines) {
			if (!('param' in line)) continue;
			const values = typeof line.value === 'string' ? [line.value] : line.value.map(({ val }) => val);
			const keyword = line.param.toLowerCase();
			const inner = 'config' in line ? line.config : [];
			if (keyword === 'host') {
				if (fitsPatterns(values, final ? hostNow() : host)) walk(inner, base, depth);
			} else if (keyword === 'match') {
				if (matches(values)) walk(inner, base, depth);
			} else if (keyword === 'include') {
				if (depth >= DEEPEST_INCLUDE) throw unreadable(base, 'Include goes round in a circle');
				for (const file of values.flatMap((name) => expandGlob(isAbsolute(home(name)) ? home(name) : join(base, name))))
					walk(parse({ file, base, must: false }), base, depth + 1);
			} else if (ADDS_UP.has(keyword)) options.set(keyword, [...new Set([...(options.get(keyword) ?? []), ...values])]);
			else if (!options.has(keyword) && !options.has(RIVALS[keyword] ?? '')) options.set(keyword, values);
		}
	};
	const pass = (): void => {
		for (const source of sources) walk(parse(source), source.base, 0);
	};
	pass();
	final = true;
	if (wantsFinal) pass();
	return options;
}

/** `~` and `~/…` with the home directory in place. */
export function home(path: string): string {
	return path.replace(/^~(?=\/|$)/, homedir());
}

function parse({ file, must }: ConfigSource): Line[] {
	let text: string;
	try {
		text = readFileSync(file, 'utf8');
	} catch (error) {
		if (must) throw unreadable(file, (error as Error).message);
		return [];
	}
	try {
		return SSHConfig.parse(text);
	} catch (error) {
		throw unreadable(file, (error as Error).message);
	}
}

/** Files that a path with `*` and `?` names, in order (ssh_config(5), Include). */
function expandGlob(path: string): string[] {
	if (!/[*?]/.test(path)) return [path];
	return expandGlob(dirname(path)).flatMap((dir) => {
		const pattern = path.slice(dirname(path).length).replace(/^\//, '');
		try {
			return readdirSync(dir)
				.filter((name) => (!name.startsWith('.') || pattern.startsWith('.')) && fitsPatterns([pattern], name))
				.sort()
				.map((name) => join(dir, name));
		} catch {
			return [];
		}
	});
}

function unreadable(file: string, why: string): BsdupError {
	return new BsdupError({ code: 'E_SSH_CONFIG', message: `${file}: ${why}`, next: ['--ssh-config FILE'], exit: EXIT.usage });
}
