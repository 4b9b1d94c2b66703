import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { RELEASES } from '../lab/releases.ts';
import { kernelText } from '../lab/tree.ts';
import { makeWorld, type Outcome, type World } from '../lab/world.ts';
import { differences, targetFlags } from './proof.ts';
import { before } from './stand-in.ts';

/** Longer than a look at a host that answers, shorter than anybody waits for one that does not. */
const SHORT = ['--patience', '12s'];

/** A host called `lab` in the inventory, whose reboot (`of`: oreboot is the zone's) does `harm` first, once. */
async function harmed(harm: string, of: 'oreboot' | 'reboot', keys: Record<string, string> = {}): Promise<World> {
	const on = await makeWorld('7.7', '7.8');
	const { spec, identity, knownHosts } = on.host.ssh;
	before(on, 'reboot', `if [ "$LAB_SELF" = /sbin/${of} ] && [ ! -e /lab/harmed ]; then : >/lab/harmed; ${harm}; fi`);
	const config = join(on.env['XDG_CONFIG_HOME'] ?? '', 'bsdup');
	mkdirSync(config, { recursive: true });
	const host = { host: spec, identity, 'known-hosts': knownHosts, ...keys };
	writeFileSync(join(config, 'config.yaml'), JSON.stringify({ hosts: { lab: host } }), { mode: 0o600 });
	return on;
}

const upgrade = (on: World, ...more: string[]): Promise<Outcome> =>
	on.bsdup(['upgrade', 'lab', ...targetFlags(on, '7.8'), '--no-backup', '--unattended', '--yes', ...more]);

/** Boots with the right kernel again, as a person does, and goes on: the verdict is the good one, and nothing is missing. */
async function mendAndGoOn(on: World): Promise<void> {
	if (on.host.state === 'up') {
		const { boots } = on.host;
		await on.host.inside('cp /usr/rel/bsd.mp /bsd; reboot');
		await on.host.upAgain(boots + 1);
	} else {
		await on.host.powerOff();
		on.host.withDisk((root) => writeFileSync(join(root, 'bsd'), readFileSync(join(root, 'usr/rel/bsd.mp'))));
		await on.host.powerOn();
	}
	const again = await on.bsdup(['resume', 'lab', '--yes', '--patience', '1']);
	expect([again.code, again.stderr]).toEqual([0, '']);
	expect(again.stdout).toContain('verdict: new system');
	expect(await differences(on, '7.8')).toEqual([]);
}

async function using(world: Promise<World>, work: (on: World) => Promise<void>): Promise<void> {
	const on = await world;
	try {
		await work(on);
	} finally {
		await on.destroy();
	}
}

/** The console as a command tells it, with an escape sequence that must not arrive. */
const consoleOf = (on: World): string => `printf '\\033[2Jon the line\\n'; tail -n 40 ${join(on.host.dir, 'console')}`;

describe.skipIf(LAB === null)('the verdict on a reboot (needs a practice host)', () => {
	test.concurrent('is "came up in the installer" when the console says so, with what to do at it', async () => {
		await using(harmed('/lab/real/bin/cp /usr/rel/bsd.rd /bsd', 'oreboot', { console: 'see below' }), async (on) => {
			const config = join(on.env['XDG_CONFIG_HOME'] ?? '', 'bsdup/config.yaml');
			writeFileSync(config, readFileSync(config, 'utf8').replace('"see below"', JSON.stringify(consoleOf(on))));
			const { code, stdout, stderr } = await upgrade(on, ...SHORT);
			expect(code).toBe(1);
			expect(on.host.state).toBe('installer');
			expect(stderr).toMatch(/^bsdup: verdict: came up in the installer[\s\S]*^Code: {2}E_INSTALLER$/m);
			expect(stderr).toMatch(/^ {2}on the line\n[\s\S]*^ {2}Welcome to the OpenBSD\/amd64 installation program\.$/m);
			expect(stderr).not.toContain('\x1b');
			expect(stderr).toMatch(/^Next: {2}at its console choose \(S\)hell[\s\S]*^Next: {2}bsdup resume run-\S+ [\s\S]*boot \/bsd\.rd/m);
			// The card was on the screen before the zone began, and lies on both sides.
			expect(stdout).toMatch(/boot \/obsd[\s\S]*^running {2}zone$/m);
			const run = readdirSync(on.state).find((name) => name.startsWith('run-')) ?? '';
			const card = readFileSync(join(on.state, run, 'RECOVERY'), 'utf8');
			expect(card).toContain(`cd /mnt/usr/rel && tar -C /mnt -xzphf base78.tgz`);
			await on.host.powerOff();
			on.host.withDisk((root) => expect(readFileSync(join(root, `var/db/bsdup/${run}/RECOVERY`), 'utf8')).toBe(card));
			await mendAndGoOn(on);
		});
	});

	test.concurrent('is "did not come back" for a kernel that does not load; without a console it says how to have one', async () => {
		await using(harmed(': >/bsd', 'oreboot'), async (on) => {
			const { code, stderr } = await upgrade(on, ...SHORT);
			expect(code).toBe(1);
			expect(on.host.state).toBe('stuck-kernel');
			expect(stderr).toMatch(/^bsdup: verdict: did not come back in 12 seconds; the last try: .+\nCode: {2}E_NOT_BACK$/m);
			expect(stderr).toContain('No command tells its console: see "console" in bsdup upgrade --help.');
			expect(stderr).toMatch(/^Next: {2}bsdup resume run-\S+ {3}\(once it answers\)$[\s\S]*boot \/obsd/m);
			// A resume while it is away says the same; with a console it tells what stands there.
			const config = join(on.env['XDG_CONFIG_HOME'] ?? '', 'bsdup/config.yaml');
			const { hosts } = JSON.parse(readFileSync(config, 'utf8'));
			writeFileSync(config, JSON.stringify({ hosts: { lab: { ...hosts.lab, console: consoleOf(on) } } }));
			const again = await on.bsdup(['resume', 'lab', '--yes', '--patience', '3s']);
			expect(again.code).toBe(1);
			expect(again.stderr).toMatch(/^bsdup: verdict: did not come back in 3 seconds/m);
			expect(again.stderr).toContain('By its console, its loader finds no kernel that it can load.');
			expect(again.stderr).toMatch(/^ {2} failed\(79\)\. will try \/bsd$[\s\S]*^Next: {2}at its boot> prompt type: boot \/obsd$/m);
			await mendAndGoOn(on);
		});
	});

	test.concurrent('is "rebooted, old system" when another kernel was booted, and stays so until the new one runs', async () => {
		await using(harmed('/lab/real/bin/cp /lab/other-kernel /bsd', 'oreboot'), async (on) => {
			// As neighbouring snapshots are: the old kernel carries the new programs.
			const other = kernelText({ ...RELEASES['7.7'], level: RELEASES['7.8'].level }, 'GENERIC.MP');
			writeFileSync(join(on.host.dir, 'lab/other-kernel'), other);
			const { code, stderr } = await upgrade(on, '--patience', '2');
			expect(code).toBe(1);
			expect(stderr).toMatch(/^bsdup: zone: verdict: rebooted, old system\n[\s\S]*^Code: {2}E_OLD_SYSTEM$/m);
			expect(stderr).toMatch(/^Next: {2}reboot it, and let its loader take the usual kernel$[\s\S]*^Next: {2}bsdup resume run-/m);
			expect((await on.bsdup(['resume', 'lab', '--yes'])).stderr).toContain('E_OLD_SYSTEM');
			const byHand = await on.host.inside('sh /var/db/bsdup/run-*/resume.sh --yes');
			expect(byHand.code).toBe(1);
			expect(byHand.output).toContain('zone: rebooted, old system');
			await mendAndGoOn(on);
		});
	});

	test.concurrent('is "never rebooted" when the host still answers from before', async () => {
		await using(harmed('exec /lab/real/bin/sleep 100000', 'reboot'), async (on) => {
			expect((await upgrade(on, '--pause-at-reboot', '--patience', '2')).code).toBe(3);
			const { code, stderr } = await on.bsdup(['resume', 'lab', '--yes', ...SHORT]);
			expect(code).toBe(1);
			expect(stderr).toMatch(/^bsdup: verdict: never rebooted, in 12 seconds\nCode: {2}E_NEVER_REBOOTED$/m);
			expect(stderr).toMatch(/^Next: {2}look at its console, and at \S+\/jobs\/reboot-last on the host; then reboot it by hand$/m);
			const { boots } = on.host;
			await on.host.inside('reboot');
			await on.host.upAgain(boots + 1);
			const again = await on.bsdup(['resume', 'lab', '--yes', '--patience', '2']);
			expect([again.code, again.stderr]).toEqual([0, '']);
			expect(await differences(on, '7.8')).toEqual([]);
		});
	});
});
