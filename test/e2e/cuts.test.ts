import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { differences, upgradeArgs } from './proof.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

/** What the program says when the moment has come. */
const MOMENTS = {
	'in the backup': 'running  backup\n',
	'in the fetch': 'running  fetch\n',
	'in the danger zone': 'unpacking xbase',
	'while base is unpacked': 'unpacking base',
	'between the reboots': 'running  packages\n',
};

/** Runs the upgrade until the moment, then does `cut` once. Resolves when the controller has ended. */
async function until(on: World, said: string, cut: (kill: (signal: NodeJS.Signals) => void) => void): Promise<number | null> {
	let came = false;
	let heard = '';
	const result = await on.bsdup(upgradeArgs(on, '7.8'), (text, kill) => {
		heard += text;
		if (came || !heard.includes(said)) return;
		came = true;
		cut(kill);
	});
	expect(came, `${said} was never said:\n${result.stdout}${result.stderr}`).toBe(true);
	return result.code;
}

/** The recovery card's third way, as a person at the install kernel's shell types it. */
function recoverByCard(on: World): void {
	on.host.withDisk((root) => execFileSync('tar', ['-C', root, '-xzphf', `${root}/usr/rel/base78.tgz`]));
}

async function resume(on: World): Promise<void> {
	const result = await on.bsdup(['resume', '--yes', '--patience', '1']);
	expect(result.stderr).toBe('');
	expect(result.code).toBe(0);
}

/** Steps whose record was complete before the resume and that were begun again after it. */
async function repeated(on: World, before: string): Promise<string[]> {
	const { output } = await on.host.inside('cd /var/db/bsdup/run-*/jobs && ls -d */*/');
	return before.split('\n').flatMap((line) => {
		const [id, attempt, state] = line.split(' ');
		return state === 'ok' && output.includes(`${id}/${Number(attempt) + 1}/`) ? [id ?? ''] : [];
	});
}

describe.skipIf(LAB === null)('a run that is cut (needs a practice host)', () => {
	test.each(Object.entries(MOMENTS))('goes on after kill -9 of the controller %s', async (_name, said) => {
		world = await makeWorld('7.7', '7.8');
		await until(world, said, (kill) => kill('SIGKILL'));
		const before = said.startsWith('unpacking') ? '' : (await world.host.inside('sh /var/db/bsdup/run-*/resume.sh states')).output;
		await resume(world);
		expect(await repeated(world, before)).toEqual([]);
		expect(await differences(world, '7.8')).toEqual([]);
	});

	test.skipIf(LAB !== 'root').each(Object.entries(MOMENTS))(`goes on after a power cut %s (${NEEDS_DISK})`, async (_name, said) => {
		world = await makeWorld('7.7', '7.8');
		const on = world;
		await until(on, said, (kill) => {
			void sleep(20).then(() => {
				kill('SIGKILL');
				void on.host.powerCut();
			});
		});
		await sleep(1000);
		await on.host.powerOn().catch((error: unknown) => {
			// A torn base may not boot by itself; a torn kernel must never happen.
			expect(on.host.state, String(error)).toBe('panic');
		});
		if (on.host.state === 'panic') {
			await on.host.powerOff();
			recoverByCard(on);
			await on.host.powerOn();
		}
		await resume(on);
		expect(await differences(on, '7.8')).toEqual([]);
	});

	test.each(['running  backup\n', 'unpacking xbase'])('goes on by itself after the network was away for 20 seconds at %j', async (said) => {
		world = await makeWorld('7.7', '7.8');
		const { host } = world;
		const code = await until(world, said, () => {
			host.cutNetwork();
			setTimeout(() => host.mendNetwork(), 20_000);
		});
		expect(code).toBe(0);
		expect(await differences(world, '7.8')).toEqual([]);
	});
});
