import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { cutAt } from './cut.ts';
import { setsArgs, setsDifferences, systemOn } from './sets-proof.ts';
import { before } from './stand-in.ts';

/** Where the run is stopped: before a program starts whose words fit `at`, when `when` holds. */
interface Moment {
	program: string;
	at: string;
	when?: string;
}

/** Names and sizes reach the disk, and of what was written only what was synced. */
const REACH = ': >/var/db/bsdup/mine; echo x >>/var/db/bsdup/mine; /lab/real/bin/sync /var/db/bsdup/mine';
const WALK = 'sh /var/db/bsdup/run-2*/resume.sh --yes';
const PATIENCE_MS = 120_000;
/** A host with a kernel.old of its own, which a rollback must find again. */
const OLDER = 'mkdir /boot/kernel.old; echo of before >/boot/kernel.old/kernel; sync';

let on: World;
let asItWas: string[];
const saved = (name: string): string => join(on.host.dir, `disk.${name}`);

/** Lets the run stand still when the moment has come, however it is carried there. */
async function stoppedAt({ program, at, when = ':' }: Moment, line: string): Promise<void> {
	const stop = join(on.host.dir, 'lab/stopped');
	rmSync(stop, { force: true });
	const hold = `if ${when}; then ${REACH}; : >/lab/stopped; exec /lab/real/bin/sleep 100000; fi`;
	const end = before(on, program, `case "$LAB_SELF $*" in ${at}) ${hold} ;; esac`);
	try {
		let said: string | undefined;
		void on.host.inside(line).then(({ output }) => {
			said = output;
		});
		for (const late = Date.now() + PATIENCE_MS; !existsSync(stop); await sleep(5))
			if ((said !== undefined && !said.includes('After it, log in')) || Date.now() > late)
				throw new Error(`nothing stopped at ${program} ${at}: ${said}`);
	} finally {
		end();
	}
}

/** Carries the run on at the console until the moment, turns the host off, and keeps its disk. */
async function keepAt(name: string, moment: Moment): Promise<void> {
	await stoppedAt(moment, WALK);
	await on.host.powerOff();
	execFileSync('cp', ['--sparse=always', join(on.host.dir, 'disk'), saved(name)]);
}

/** The host as it was kept, with power, its run carried on to the moment; then the power goes. */
async function cutFrom(name: string, moment: Moment): Promise<void> {
	await on.host.powerOff();
	execFileSync('cp', ['--sparse=always', saved(name), join(on.host.dir, 'disk')]);
	await on.host.powerOn();
	// Once more where the first only tells, as it does once, that the old system runs.
	await stoppedAt(moment, `${WALK} || ${WALK}`);
	await on.host.powerCut();
}

/** Goes on at the console until the run waits for a reboot that has come, or ends. */
async function walk(): Promise<string> {
	const { boots } = on.host;
	const { code, output } = await on.host.inside(WALK);
	// Told once: who goes on after that boots the new kernel.
	if (output.includes('verdict: rebooted, old system')) return walk();
	if (code !== 0 && output.includes('After it, log in')) await on.host.upAgain(boots + 1);
	else expect(code, output).toBe(0);
	return output;
}

async function toTheEnd(): Promise<void> {
	for (let rounds = 0; rounds < 6; rounds++) if ((await walk()).includes('done    the host runs the new system')) break;
	expect(await setsDifferences(on, '14.3-UFS', '15.0-RELEASE')).toEqual([]);
}

/** Types lines into the static shell of single user mode. */
async function typeInSingleUser(lines: string): Promise<void> {
	const child = on.host.enter(['/rescue/sh', '-ec', lines]);
	child.stdin.end();
	await new Promise((resolve) => child.once('close', resolve));
}

/** What the jobs of the world have said so far. */
function saidInTheWorld(): string {
	const runs = join(on.host.tree, 'var/db/bsdup');
	const jobs = join(runs, readdirSync(runs).find((name) => name.startsWith('run-2')) ?? '', 'jobs/world');
	const logs = readdirSync(jobs).map((attempt) => join(jobs, attempt, 'log'));
	return logs.map((log) => (existsSync(log) ? readFileSync(log, 'utf8') : '')).join('');
}

/** What the card tells to type where the world is torn: its third way. */
function cardOf(root: string): string {
	const runs = readdirSync(join(root, 'var/db/bsdup')).filter((name) => name.startsWith('run-2'));
	const card = readFileSync(join(root, 'var/db/bsdup', runs[0] ?? '', 'RECOVERY'), 'utf8');
	const lines = /\n( +\/rescue\/fsck -p[\s\S]*\n +reboot)\n/.exec(card)?.[1] ?? '';
	expect(lines).toContain('tar -xpf base.txz');
	return lines;
}

const ONCE = '/boot/kernel.15.0/kernel';
const KERNELS = '[ -e /boot/kernel.older ] && [ -e /boot/kernel ] && [ -e /boot/kernel.old ] && [ ! -e /boot/loader.conf.bsdup ]';
const GONE: Moment = { program: 'rm', at: '*"/boot/bsdup.part"', when: '[ ! -e /boot/kernel ]' };
const CHANGE: [when: string, kernel: string, moment: Moment][] = [
	['after the new one has the name', ONCE, { program: 'sync', at: '*', when: `${KERNELS} && grep -q kernel= /boot/loader.conf` }],
	[
		'where loader.conf is as it was',
		'/boot/kernel/kernel',
		{ program: 'sync', at: '*', when: `${KERNELS} && ! grep -q kernel= /boot/loader.conf` },
	],
];
const LIBC_IS_NEW = 'case $(/lab/real/bin/head -n 1 /lib/libc.so.7) in *1500) ;; *) false ;; esac';
const WORLD: [when: string, moment: Moment][] = [
	['right after libc has been replaced', { program: 'sync', at: '*', when: LIBC_IS_NEW }],
	["right after the loader's files have been replaced", { program: 'rm', at: '*"/boot/bsdup.part"', when: '[ -e /boot/bsdup.part/boot ]' }],
];

describe.skipIf(LAB !== 'root')(`a live upgrade by sets whose host loses power (${NEEDS_DISK})`, () => {
	beforeAll(async () => {
		on = await makeWorld('14.3-UFS', '15.0-RELEASE');
		await on.host.inside(OLDER);
		asItWas = await systemOn(on);
		await on.host.powerOn();
		await cutAt(on, setsArgs(on, '15.0-RELEASE'), 'running  rescue\n', (kill) => kill('SIGKILL'));
		await keepAt('boot', { program: 'nextboot', at: '*' });
		await on.host.powerOn();
		await walk();
		await keepAt('change', { program: 'cp', at: '*loader.conf.was' });
		await on.host.powerOn();
		await walk();
		await keepAt('world', { program: 'mkdir', at: '*/first' });
	}, 240_000);
	afterAll(() => on?.destroy());

	test('boots the new kernel, whole, after it was chosen for one boot; cut again, the old one', async () => {
		await cutFrom('boot', { program: 'shutdown', at: '*' });
		await on.host.powerOn();
		expect((await on.host.inside('uname -r; sysctl -n kern.bootfile')).output).toBe(`15.0-RELEASE\n${ONCE}\n`);
		await on.host.powerCut();
		await on.host.powerOn();
		expect((await on.host.inside('uname -r')).output).toBe('14.3-RELEASE-p2\n');
	});

	test.each(CHANGE)('boots the new kernel, whole, in the change of kernels %s', async (_when, kernel, moment) => {
		await cutFrom('change', moment);
		await on.host.powerOn();
		const { output } = await on.host.inside('uname -r; sysctl -n kern.bootfile; head -n 1 /boot/loader.conf');
		expect(output).toBe(`15.0-RELEASE\n${kernel}\n# changed on this host\n`);
	});

	test('boots the new kernel, whole, while there is no /boot/kernel, and goes on with the change', async () => {
		await cutFrom('change', GONE);
		await on.host.powerOn();
		expect((await on.host.inside('uname -r; sysctl -n kern.bootfile')).output).toBe(`15.0-RELEASE\n${ONCE}\n`);
		await walk();
		const { output } = await on.host.inside('sysctl -n kern.bootfile; cat /boot/loader.conf; ls -d /boot/kernel*; uname -r');
		expect(output).toBe(
			'/boot/kernel/kernel\n# changed on this host\n/boot/kernel\n/boot/kernel.15.0\n/boot/kernel.old\n/boot/kernel.older\n15.0-RELEASE\n',
		);
	});

	test('is taken back after a cut while there is no /boot/kernel, at the console, and leaves the host as it was', async () => {
		await cutFrom('change', GONE);
		await on.host.powerOn();
		for (let rounds = 0; rounds < 3; rounds++) {
			const { boots } = on.host;
			const { code, output } = await on.host.inside('sh /var/db/bsdup/run-2*/resume.sh rollback');
			if (output.includes('the run is taken back')) break;
			expect(code, output).not.toBe(0);
			await on.host.upAgain(boots + 1);
		}
		expect((await on.host.inside('echo $(uname -r) $(sysctl -n kern.bootfile)')).output).toBe('14.3-RELEASE-p2 /boot/kernel/kernel\n');
		expect(await systemOn(on)).toEqual(asItWas);
	});

	test.each(WORLD)('comes up by itself, in the world %s', async (_when, moment) => {
		await cutFrom('world', moment);
		await on.host.powerOn();
		expect((await on.host.inside('uname -r; service sshd status')).output).toBe('15.0-RELEASE\nsshd is running as pid 841.\n');
		const back = await on.host.inside('sh /var/db/bsdup/run-2*/resume.sh rollback');
		expect(back.output).toContain('the point of no return is passed');
	});

	test('in the middle of base comes up at least in single user mode, where the card makes it whole, and goes on to its end', async () => {
		await on.host.powerOff();
		execFileSync('cp', ['--sparse=always', saved('world'), join(on.host.dir, 'disk')]);
		await on.host.powerOn();
		void on.host.inside(WALK);
		await expect.poll(saidInTheWorld, { timeout: PATIENCE_MS, interval: 20 }).toContain('unpacking base.txz');
		await sleep(100);
		await on.host.powerCut();
		const lines = on.host.withDisk(cardOf);
		// boot -s at the loader: it never says that it is up.
		void on.host.powerOn('-s').catch(() => {});
		await expect.poll(() => on.host.state, { timeout: PATIENCE_MS }).toBe('single-user');
		const { boots } = on.host;
		await typeInSingleUser(lines);
		await on.host.upAgain(boots + 1);
		await toTheEnd();
	});
});
