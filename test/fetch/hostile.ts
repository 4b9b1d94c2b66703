import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A set that somebody made, well or ill. */
export interface HostileSet {
	title: string;
	/** Lines of sh that make `set.tgz`, with GNU tar. */
	make: string[];
	/** What is said against it (regular expression); null = nothing. */
	says: string | null;
	/** False: the tools of a host say nothing against it. */
	host?: boolean;
}

const folder = new URL('./hostile/', import.meta.url);

/** All of test/fetch/hostile. */
export const HOSTILE = readdirSync(folder).map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as HostileSet);

/** Makes one, in a directory of its own. */
export function makeHostile({ make }: HostileSet): Buffer {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-hostile-'));
	try {
		execFileSync('bash', ['-euc', make.join('\n')], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
		return readFileSync(join(dir, 'set.tgz'));
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
}
