import { linkSync, readdirSync, rmSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { BsdupError } from '../errors.ts';
import { isGone, markOf, ProcessMark } from '../transport/process.ts';
import { quote } from '../transport/quote.ts';
import { checkOwnDir, readOwn, syncDir, writeBeside, writeWhole } from './disk.ts';
import type { RunFolder } from './state.ts';

const Holder = z.object({ ...ProcessMark.shape, since: z.string() });
const NAME = /^controller\.(\d+)$/;

/**
 * Keeps a second controller off the same run. Returns how to let go. Throws E_RUN_BUSY with the holder and since when, E_STATE_OWNER,
 * E_STATE_WRITE.
 *
 * `controller.N` is held by the process it names, and says `released` afterwards. link(2) makes the next number, whole and once,
 * and only after the holder of the one before is proven gone. The highest is never removed, so a number never comes again: who was
 * slow and made one that is not the highest any more takes it back. So at most one holds.
 */
export async function holdRun(folder: Pick<RunFolder, 'run' | 'dir'>): Promise<() => void> {
	const { dir, run } = folder;
	checkOwnDir(dir);
	const mine = await markOf(process.pid);
	if (mine === undefined) throw new Error('this process is not to be seen');
	for (;;) {
		const last = numbers(dir).at(-1) ?? 0;
		if (last > 0) await mustBeGone(join(dir, `controller.${last}`), run);
		const file = join(dir, `controller.${last + 1}`);
		if (!claim(file, `${JSON.stringify({ ...mine, since: new Date().toISOString() })}\n`)) continue;
		const there = numbers(dir);
		if (there.at(-1) !== last + 1) {
			rmSync(file, { force: true });
			continue;
		}
		for (const old of there.slice(0, -1)) rmSync(join(dir, `controller.${old}`), { force: true });
		return () => letGo(file);
	}
}

/**
 * Who holds a run here, by the last `controller.N`, in the words that the host is told too; undefined where nobody does. After
 * `holdRun` that is this process, and who was told before it is proven gone.
 */
export function holderOf({ dir }: Pick<RunFolder, 'dir'>): string | undefined {
	const text = readOwn(join(dir, `controller.${numbers(dir).at(-1) ?? 0}`))?.toString('utf8') ?? '';
	const holder = holderIn(text);
	return holder && `${userInfo().username}@${holder.machine}, process ${holder.pid}, since ${holder.since}`;
}

/** Where it cannot be said, the end of this process says it. */
function letGo(file: string): void {
	try {
		writeWhole(file, 'released\n');
	} catch {
		// A full disk must not hide how the run ended.
	}
}

/** Makes the file with all its text at once; false when it is there already. */
function claim(file: string, text: string): boolean {
	const fresh = writeBeside(file, text);
	try {
		linkSync(fresh, file);
		syncDir(join(file, '..'));
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
		throw error;
	} finally {
		rmSync(fresh, { force: true });
	}
}

function numbers(dir: string): number[] {
	return readdirSync(dir)
		.flatMap((name) => NAME.exec(name)?.[1] ?? [])
		.map(Number)
		.sort((a, b) => a - b);
}

async function mustBeGone(file: string, run: string): Promise<void> {
	const text = readOwn(file)?.toString('utf8');
	// Gone meanwhile: the one who removed it holds a higher number, or will say so.
	if (text === undefined || text === 'released\n') return;
	const holder = holderIn(text);
	if (holder !== undefined && (await isGone(holder))) return;
	throw new BsdupError({
		code: 'E_RUN_BUSY',
		message:
			holder === undefined
				? `${file} does not tell who carries ${run}`
				: `${run} is carried by process ${holder.pid} on ${holder.machine === hostname() ? 'this machine' : holder.machine} since ${holder.since}`,
		state: 'That process goes on; nothing was changed by this one.',
		next: [`bsdup status ${run}`, `only if no bsdup carries it any more: echo released >${quote(file)}`],
	});
}

function holderIn(text: string): z.infer<typeof Holder> | undefined {
	try {
		return Holder.safeParse(JSON.parse(text)).data;
	} catch {
		return undefined;
	}
}
