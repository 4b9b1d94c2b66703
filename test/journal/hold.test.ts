import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { holderOf, holdRun } from '../../src/journal/hold.ts';
import { isGone, markOf, type ProcessMark } from '../../src/transport/process.ts';
import { tempDir } from './folder.ts';

let top: ReturnType<typeof tempDir>;
let folder: { run: string; dir: string };
const children: ChildProcess[] = [];
beforeEach(() => {
	top = tempDir();
	folder = { run: 'run-1', dir: top.dir };
});
afterEach(() => {
	for (const child of children.splice(0)) child.kill('SIGKILL');
	top.remove();
});

async function sleeper(): Promise<{ mark: ProcessMark; end: () => Promise<void> }> {
	const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
	children.push(child);
	const mark = await markOf(child.pid ?? 0);
	if (mark === undefined) throw new Error('it does not run');
	const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
	return {
		mark,
		end: () => {
			child.kill('SIGKILL');
			return ended;
		},
	};
}

const writeHolder = (mark: ProcessMark, number = 1): void =>
	writeFileSync(join(top.dir, `controller.${number}`), `${JSON.stringify({ ...mark, since: '2026-11-25T01:02:03Z' })}\n`);
const busy = { code: 'E_RUN_BUSY' };

describe('the hold on a run', () => {
	test('is held once, is told with its holder and since when, and can be taken again when it was let go', async () => {
		const letGo = await holdRun(folder);
		await expect(holdRun(folder)).rejects.toMatchObject({
			...busy,
			message: expect.stringMatching(new RegExp(`process ${process.pid} on this machine since 20`)),
		});
		letGo();
		(await holdRun(folder))();
		expect(readdirSync(top.dir)).toEqual(['controller.2']);
		expect(readFileSync(join(top.dir, 'controller.2'), 'utf8')).toBe('released\n');
	});

	test('names who holds it in one form, whom the next knows to be gone; nobody once it was let go', async () => {
		const { mark, end } = await sleeper();
		writeHolder(mark);
		const { username } = userInfo();
		expect(holderOf(folder)).toBe(`${username}@${hostname()}, process ${mark.pid}, since 2026-11-25T01:02:03Z`);
		await end();
		const letGo = await holdRun(folder);
		expect(holderOf(folder)).toMatch(new RegExp(`^${username}@${hostname()}, process ${process.pid}, since 20`));
		letGo();
		expect(holderOf(folder)).toBeUndefined();
	});

	test('of a process that runs is not taken; once it has ended, killed as it may be, it is', async () => {
		const { mark, end } = await sleeper();
		writeHolder(mark);
		await expect(holdRun(folder)).rejects.toMatchObject(busy);
		await end();
		(await holdRun(folder))();
	});

	test('of a pid that now is another process is taken: it started at another time, or in another boot', async () => {
		const { mark } = await sleeper();
		writeHolder({ ...mark, start: `${mark.start}1` });
		(await holdRun(folder))();
		writeHolder({ ...mark, boot: 'another' }, 9);
		(await holdRun(folder))();
		expect(readdirSync(top.dir)).toEqual(['controller.10']);
	});

	test('that nothing proves dead is not taken: of another machine, or not to be read', async () => {
		const { mark, end } = await sleeper();
		await end();
		writeHolder({ ...mark, machine: 'elsewhere', boot: 'another' });
		await expect(holdRun(folder)).rejects.toMatchObject(busy);
		writeFileSync(join(top.dir, 'controller.1'), '\0\0\0');
		await expect(holdRun(folder)).rejects.toMatchObject(busy);
		writeFileSync(join(top.dir, 'controller.1'), 'released\n');
		(await holdRun(folder))();
	});

	test('is refused through a planted link', async () => {
		symlinkSync('/etc/passwd', join(top.dir, 'controller.1'));
		await expect(holdRun(folder)).rejects.toMatchObject({ code: 'E_STATE_OWNER' });
	});

	test.each(['released\n', ''])('is won by exactly one of many at once, after a holder that is gone (%j)', async (before) => {
		const { mark, end } = await sleeper();
		await end();
		for (let round = 0; round < 20; round++) {
			const last = Math.max(0, ...readdirSync(top.dir).map((name) => Number(name.slice('controller.'.length))));
			if (before === '') writeHolder(mark, last + 1);
			else writeFileSync(join(top.dir, `controller.${last + 1}`), before);
			const tries = await Promise.allSettled(Array.from({ length: 8 }, () => holdRun(folder)));
			const won = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
			const lost = tries.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []));
			expect(won).toHaveLength(1);
			expect(new Set(lost)).toEqual(new Set(['E_RUN_BUSY']));
			won[0]?.();
		}
	});
});

describe('a process', () => {
	test('is gone only when it has ended; one not yet reaped has', async () => {
		const { mark, end } = await sleeper();
		expect(await isGone(mark)).toBe(false);
		await end();
		expect(await isGone(mark)).toBe(true);
		// What the shell became waits for nothing: a child that ends after that becomes a zombie and keeps its number.
		// (Before it the shell itself would reap the child.)
		const shell = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'ignore'] });
		children.push(shell);
		const pid = Number(await new Promise<string>((resolve) => shell.stdout?.once('data', (text) => resolve(String(text)))));
		await expect.poll(() => readFileSync(`/proc/${shell.pid}/comm`, 'utf8').trim(), { timeout: 30_000 }).toBe('sleep');
		process.kill(pid, 'SIGKILL');
		const zombie = (): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] ?? '';
		await expect.poll(zombie, { timeout: 30_000 }).toBe('Z');
		expect(await markOf(pid)).toBeUndefined();
	});
});
