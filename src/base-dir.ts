import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

const IN_HOME = { STATE: '.local/state', CACHE: '.cache', CONFIG: '.config' };

/**
 * bsdup's own directory of a kind: that of XDG_…_HOME, else the one in the home. One that is empty or not absolute says nothing
 * (XDG Base Directory Specification): a run's state would lie wherever the command was typed.
 */
export function baseDir(kind: keyof typeof IN_HOME, env: NodeJS.ProcessEnv = process.env): string {
	const said = env[`XDG_${kind}_HOME`] ?? '';
	return join(isAbsolute(said) ? said : join(homedir(), IN_HOME[kind]), 'bsdup');
}
