import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { cutAt } from './cut.ts';
import { setsArgs, setsDifferences, systemOn } from './sets-proof.ts';
import { before } from './stand-in.ts';

/** Where the power goes: before a program starts whose words fit `at`, when `when` holds. */
interface Moment {
	program: string;
	at: string;
	when?: string;
}

/** Names and sizes reach the disk, and of what was written only what was synced. */
const REACH = ': >/var/db/bsdup/mine; echo x >>/var/db/bsdup/mine; /lab/real/bin/sync /var/db/bsdup/mine';
const PATIENCE_MS = 120_000;

/** Does `work` on a world of its own, so that several go side by side. */
async function inWorld(work: (on: World) => Promise<void>): Promise<void> {
	const on = await makeWorld('14.3-UFS', '15.0-RELEASE');
	try {
		await work(on);
	} finally {
		await on.destroy();
	}
}

/** Upgrades until the moment has come, and cuts the power then. */
async function cutAtMoment(on: World, { program, at, when = ':' }: Moment): Promise<void> {
	const stop = join(on.host.dir, 'lab/stopped');
	const hold = `if ${when}; then ${REACH}; : >/lab/stopped; exec /lab/real/bin/sleep 100000; fi`;
	const end = before(on, program, `case "$LAB_SELF $*" in ${at}) ${hold} ;; esac`);
	let said: string | undefined;
	let kill: (signal: NodeJS.Signals) => void = () => {};
	const run = on.bsdup(setsArgs(on, '15.0-RELEASE'), (_text, by) => {
		kill = by;
	});
	void run.then(({ stdout, stderr }) => {
		said = stdout + stderr;
	});
	for (const late = Date.now() + PATIENCE_MS; !existsSync(stop); await sleep(5))
		if (said !== undefined || Date.now() > late) throw new Error(`nothing stopped at ${program} ${at}: ${said}`);
	end();
	rmSync(stop);
	await on.host.powerCut();
	kill('SIGKILL');
	await run;
}

/** Types lines into the static shell of single user mode. Resolves with what they said. */
async function typeInSingleUser(on: World, lines: string): Promise<string> {
	const child = on.host.enter(['/rescue/sh', '-ec', lines]);
	child.stdin.end();
	let output = '';
	for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
	await new Promise((resolve) => child.once('close', resolve));
	return output;
}

/** What the card tells to type where the world is torn: its third way. */
function cardOf(root: string): string {
	const runs = readdirSync(join(root, 'var/db/bsdup')).filter((name) => name.startsWith('run-'));
	const card = readFileSync(join(root, 'var/db/bsdup', runs[0] ?? '', 'RECOVERY'), 'utf8');
	const lines = /\n( +\/rescue\/mount -u [\s\S]*\n +reboot)\n/.exec(card)?.[1] ?? '';
	expect(lines).toContain('tar -xpf base.txz');
	return lines;
}

async function resumed(on: World): Promise<void> {
	const { code, stderr, stdout } = await on.bsdup(['resume', '--yes', '--patience', '1']);
	expect([code, stderr], stdout).toEqual([0, '']);
}

const SWAP: [when: string, moment: Moment, kernel: string][] = [
	[
		'after the new kernel was chosen for one boot',
		{ program: 'shutdown', at: '*', when: '[ -e /boot/nextboot.conf ]' },
		'15.0-RELEASE /boot/kernel.15.0/kernel',
	],
	[
		'where loader.conf has just been told',
		{ program: 'mv', at: '*" /boot/kernel /boot/kernel.old"' },
		'15.0-RELEASE /boot/kernel.15.0/kernel',
	],
	[
		'while there is no /boot/kernel',
		{ program: 'rm', at: '*"/boot/bsdup.part"', when: '[ -e /boot/kernel.old ] && [ ! -e /boot/kernel ]' },
		'15.0-RELEASE /boot/kernel.15.0/kernel',
	],
	[
		'after the new kernel has the name',
		{
			program: 'sync',
			at: '*',
			when: '[ -e /boot/kernel.old ] && [ -e /boot/kernel ] && [ -e /boot/kernel.15.0 ] && [ ! -e /boot/bsdup.part ] && grep -q kernel= /boot/loader.conf && [ ! -e /boot/loader.conf.bsdup ]',
		},
		'15.0-RELEASE /boot/kernel.15.0/kernel',
	],
];

const LIBC_IS_NEW = 'case $(/lab/real/bin/head -n 1 /lib/libc.so.7) in *1500) ;; *) false ;; esac';
const WORLD: [when: string, moment: Moment][] = [
	[
		'right after libc has been replaced',
		{ program: 'sync', at: '*', when: `${LIBC_IS_NEW} && [ -e /var/db/bsdup/run-*/no-return ] && [ ! -e /lib/libthr.so.3.bsdup ]` },
	],
	[
		"right after the loader's files have been replaced",
		{ program: 'rm', at: '*bsdup-rescue*"/boot/bsdup.part"', when: '[ -e /boot/bsdup.part/boot/kernel ] || [ -e /boot/bsdup.part/boot ]' },
	],
	['before the reboot into the new world', { program: 'shutdown', at: '*', when: '[ -e /var/db/bsdup/run-*/world.complete ]' }],
];

describe.skipIf(LAB !== 'root')(`a live upgrade by sets whose host loses power (${NEEDS_DISK})`, () => {
	test.concurrent.each(SWAP)('comes up with a whole kernel %s, and goes on', (_when, moment, kernel) =>
		inWorld(async (on) => {
			await cutAtMoment(on, moment);
			await on.host.powerOn();
			expect((await on.host.inside('echo $(uname -r) $(sysctl -n kern.bootfile)')).output).toBe(`${kernel}\n`);
			await resumed(on);
			expect(await setsDifferences(on, '14.3-UFS', '15.0-RELEASE')).toEqual([]);
		}),
	);

	test.concurrent.each(WORLD)('comes up by itself %s, and goes on', (_when, moment) =>
		inWorld(async (on) => {
			await cutAtMoment(on, moment);
			await on.host.powerOn();
			await resumed(on);
			expect(await setsDifferences(on, '14.3-UFS', '15.0-RELEASE')).toEqual([]);
		}),
	);

	test.concurrent('in the middle of base comes up at least in single user mode, where the card makes it whole, and goes on', () =>
		inWorld(async (on) => {
			let cut: Promise<void> = Promise.resolve();
			await cutAt(on, setsArgs(on, '15.0-RELEASE'), 'unpacking base.txz', (kill) => {
				cut = sleep(100).then(() => on.host.powerCut());
				void cut.then(() => kill('SIGKILL'));
			});
			await cut;
			await on.host.powerOn('-s').catch(() => {});
			expect(on.host.state).toBe('single-user');
			const card = await typeInSingleUser(on, 'read -r run </dev/null; cat /var/db/bsdup/run-2*/RECOVERY');
			expect(card).toContain('sh /var/db/bsdup/');
			await on.host.powerOff();
			const lines = on.host.withDisk(cardOf);
			await on.host.powerOn('-s').catch(() => {});
			const { boots } = on.host;
			await typeInSingleUser(on, lines);
			await on.host.upAgain(boots + 1);
			await resumed(on);
			expect(await setsDifferences(on, '14.3-UFS', '15.0-RELEASE')).toEqual([]);
		}));

	test.concurrent('is taken back after a cut in the middle of the change of kernels, and leaves the host as it was', () =>
		inWorld(async (on) => {
			await on.host.inside('mkdir /boot/kernel.old; echo of before >/boot/kernel.old/kernel');
			const was = await systemOn(on);
			await on.host.powerOn();
			await cutAtMoment(on, { program: 'rm', at: '*"/boot/bsdup.part"', when: '[ -e /boot/kernel.older ] && [ ! -e /boot/kernel ]' });
			await on.host.powerOn();
			expect(await on.bsdup(['rollback', '--patience', '3'])).toMatchObject({ code: 0, stderr: '' });
			expect((await on.host.inside('echo $(uname -r) $(sysctl -n kern.bootfile)')).output).toBe('14.3-RELEASE-p2 /boot/kernel/kernel\n');
			expect(await systemOn(on)).toEqual(was);
		}));
});
