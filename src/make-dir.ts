import { lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory where it is missing, with those above it; `made` hears of each. Throws what mkdir(2) says. Node's own (`recursive`)
 * tries for ever where a directory says that it is not there though it is, as /proc does.
 */
export function makeDir(dir: string, mode = 0o777, made: (dir: string) => void = () => {}): void {
	const missing: string[] = [];
	for (let at = dir; lstatSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at)) missing.unshift(at);
	for (const one of missing) {
		try {
			mkdirSync(one, { mode });
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
		}
		made(one);
	}
}
