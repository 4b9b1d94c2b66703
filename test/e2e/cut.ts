import { expect } from 'vitest';
import type { Outcome, World } from '../lab/world.ts';
import { differences, upgradeArgs } from './proof.ts';

/** When a run is cut, and what the program has just said then. */
export const MOMENTS: [moment: string, said: string][] = [
	['in the backup', 'running  backup\n'],
	['in the fetch', 'running  fetch\n'],
	['in the danger zone', 'unpacking xbase'],
	['while base is unpacked', 'unpacking base'],
	['between the reboots', 'running  packages\n'],
];

/** Runs the upgrade until `said`, then does `cut` once. Resolves when the controller has ended. */
export async function until(on: World, said: string, cut: (kill: (signal: NodeJS.Signals) => void) => void): Promise<Outcome> {
	return cutAt(on, upgradeArgs(on, '7.8'), said, cut);
}

/** The same with any command line. */
export async function cutAt(
	on: World,
	args: readonly string[],
	said: string,
	cut: (kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Outcome> {
	let came = false;
	let heard = '';
	const result = await on.bsdup(args, (text, kill) => {
		heard += text;
		if (came || !heard.includes(said)) return;
		came = true;
		cut(kill);
	});
	expect(came, `${said} was never said:\n${result.stdout}${result.stderr}`).toBe(true);
	return result;
}

/** Goes on with the run and expects it to end well. */
export async function resume(on: World): Promise<void> {
	const result = await on.bsdup(['resume', '--yes', '--patience', '1']);
	expect(result.stderr).toBe('');
	expect(result.code).toBe(0);
}

/** The host's record, a line a step: `STEP ATTEMPT STATE`. */
export async function record(on: World): Promise<string[]> {
	return (await on.host.inside('sh /var/db/bsdup/run-*/resume.sh states')).output.trim().split('\n');
}

/** Expects the final state, and that no step of `before` that was recorded as done has been begun again. */
export async function expectWhole(on: World, before: readonly string[]): Promise<void> {
	const after = new Map((await record(on)).map((line) => [line.split(' ')[0], line]));
	const done = before.filter((line) => / (ok|already)$/.test(line));
	for (const line of done) expect(after.get(line.split(' ')[0])).toBe(line);
	expect(await differences(on, '7.8')).toEqual([]);
}
