import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { BsdupError } from '../errors.ts';
import { makeDir } from '../make-dir.ts';
import { isGone, markOf, ProcessMark } from '../transport/process.ts';

const Claim = z.object({ ...ProcessMark.shape, hashes: z.array(z.string()) });

/** Whether a process on another machine still lives cannot be told; its claim holds for the longest a fetch may take. Milliseconds. */
const AWAY_MS = 24 * 3_600_000;

/**
 * Claims entries of the cache, there or still to come, until the returned function lets go. Claimed first and looked for
 * afterwards: so a prune sees the claim, or its user sees that the entry is gone.
 * Throws E_WRITE.
 */
export async function claim(dir: string, hashes: readonly string[]): Promise<() => Promise<void>> {
	const folder = join(dir, 'in-use');
	const file = join(folder, `${process.pid}.${randomUUID()}`);
	const mine = await markOf(process.pid);
	if (mine === undefined) throw new Error('this process is not to be seen');
	try {
		makeDir(folder, 0o700);
		await writeFile(`${file}.new`, JSON.stringify({ ...mine, hashes }), { mode: 0o600 });
		await rename(`${file}.new`, file);
	} catch (cause) {
		const message = `cannot write the cache: ${cause instanceof Error ? cause.message : String(cause)}`;
		throw new BsdupError({ code: 'E_WRITE', message, next: ['mend that, or choose another place: BSDUP_CACHE=DIR'], cause });
	}
	return () => rm(file, { force: true });
}

/** All hashes that living processes claim; claims of dead ones are removed. */
export async function claimed(dir: string): Promise<Set<string>> {
	const folder = join(dir, 'in-use');
	const hashes = new Set<string>();
	for (const name of await readdir(folder).catch(() => [])) {
		const file = join(folder, name);
		const text = await readFile(file, 'utf8').catch(() => '');
		const made = name.endsWith('.new') ? null : parse(text);
		if (made === null || !(await holds(made, file))) {
			// A claim that is just being written is left alone.
			if (Date.now() - ((await stat(file).catch(() => undefined))?.mtimeMs ?? 0) > 60_000 || made !== null) await rm(file, { force: true });
			continue;
		}
		for (const hash of made.hashes) hashes.add(hash);
	}
	return hashes;
}

function parse(text: string): z.infer<typeof Claim> | null {
	try {
		return Claim.parse(JSON.parse(text));
	} catch {
		return null;
	}
}

async function holds(made: z.infer<typeof Claim>, file: string): Promise<boolean> {
	if (made.machine !== hostname()) return Date.now() - ((await stat(file).catch(() => undefined))?.mtimeMs ?? 0) < AWAY_MS;
	return !(await isGone(made));
}
