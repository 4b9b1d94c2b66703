import { join } from 'node:path';
import { baseDir } from '../base-dir.ts';

/**
 * The cache holds fetched files by their SHA256, for all hosts and runs of a person:
 *
 *   sha256/ab/abcdef…        the file, named only when its hash was right; its time of change is that of its last use
 *   sha256/ab/abcdef….json   its name and the mirror it is from, for people
 *   sha256/ab/abcdef….part…  what a download that goes on, or broke off, has so far
 *   in-use/PID.…             the hashes that a process needs now
 */

/** BSDUP_CACHE, else XDG_CACHE_HOME/bsdup, else ~/.cache/bsdup. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
	return env['BSDUP_CACHE'] || baseDir('CACHE', env);
}

/** Where the file with this SHA256 (hex) is or comes to be. */
export function entryPath(dir: string, sha256: string): string {
	return join(dir, 'sha256', sha256.slice(0, 2), sha256);
}
