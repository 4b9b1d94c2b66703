import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from '../lab/world.ts';

/** What the gate takes for a program that is not there by its own name. */
const REAL: Record<string, string> = { tar: 'paxtar tar' };

/** Lets `lines` come before a program of the world's host, whenever it starts; returns what ends that. `exit` or `exec` in them keep it away. */
export function before(on: World, program: string, lines: string): () => void {
	const file = join(on.host.dir, 'lab/stand-ins', program);
	const was = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
	const real = `for p in ${REAL[program] ?? program}; do [ ! -x /lab/real/bin/$p ] || exec /lab/real/bin/$p "$@"; done\n`;
	writeFileSync(file, `${lines}\n${was ?? real}`);
	return () => (was === undefined ? rmSync(file) : writeFileSync(file, was));
}
