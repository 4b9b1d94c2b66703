import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FIRST_BE, treeOf } from '../lab/freebsd/install.ts';
import { FREEBSD_RELEASES } from '../lab/freebsd/releases.ts';
import { freebsdSets, loaderFile } from '../lab/freebsd/tree.ts';
import { publishUpdates, type UpdateServerOptions } from '../lab/freebsd/update-server.ts';
import type { SystemName } from '../lab/system.ts';
import { makeWorld, type Outcome, type World } from '../lab/world.ts';
import { readerOf, shippedDifferences } from './on-disk.ts';

const TARGET = FREEBSD_RELEASES['15.0-RELEASE'];
/** The boot environment that the method makes first. */
export const WAY_BACK = '14.3-before-15.0';
/** What this host has of its own, or both sides changed. */
const MERGED = /^etc\/(ssh\/sshd_config|master\.passwd|motd\.template|freebsd-update\.conf)$|^\.cshrc$|^boot\/loader\.conf$/;

/** An unattended upgrade of the world's host by freebsd-update. */
export function updateArgs(on: World, command = 'upgrade'): string[] {
	const to = ['--to', '15.0-RELEASE', '--method', 'freebsd-update', '--no-backup', '--unattended'];
	return [command, on.host.ssh.spec, ...on.host.flags, ...to, ...(command === 'upgrade' ? ['--yes', '--patience', '3'] : [])];
}

/** Does `work` on a world of its own with an update server, so that several go side by side. */
export async function inUpdateWorld(
	work: (on: World) => Promise<void>,
	options: UpdateServerOptions = {},
	from: SystemName = '14.3-RELEASE',
): Promise<void> {
	const on = await makeWorld(from, '15.0-RELEASE');
	try {
		publishUpdates(on.mirror.dir, options);
		await work(on);
	} finally {
		await on.destroy();
	}
}

/**
 * Runs bsdup until freebsd-update on the host has installed `path`, where it stands still; then does `cut`, with a way to end bsdup, and
 * resolves when that has ended. Afterwards nothing stands still any more.
 */
export async function whileInstalling(
	on: World,
	args: readonly string[],
	path: string,
	cut: (kill: () => void) => Promise<void>,
): Promise<Outcome> {
	const [stall, stalled] = ['stall', 'stalled'].map((name) => join(on.host.dir, 'lab', name)) as [string, string];
	writeFileSync(stall, `${path}\n`);
	let kill = (): void => {};
	const running = on.bsdup(args, (_text, signal) => {
		kill = () => signal('SIGKILL');
	});
	let ended = false;
	void running.then(() => (ended = true));
	while (!existsSync(stalled)) {
		if (ended) throw new Error(`${path} is never installed: ${JSON.stringify(await running)}`);
		await sleep(50);
	}
	await cut(kill);
	for (const file of [stall, stalled]) rmSync(file);
	return running;
}

/** Everything the host must be after the upgrade, as differences; empty = all of it holds. Turns the host off. */
export async function updateDifferences(on: World): Promise<string[]> {
	const versions = (await on.host.inside('freebsd-version -kru')).output.trim().split('\n');
	const environments = (await on.host.inside('bectl list -H | cut -f 1,2')).output;
	const pending = (await on.host.inside('ls -d /var/db/freebsd-update/*-install')).code === 0;
	await on.host.powerOff();
	const found = versions.every((one) => one === TARGET.name) ? [] : [`it runs ${versions.join(' ')}`];
	const must = (holds: boolean, otherwise: string): void => void (holds || found.push(otherwise));
	must(environments === `${WAY_BACK}\t-\n${FIRST_BE}\tNR\n`, `its boot environments are ${environments}`);
	must(!pending, 'freebsd-update is not finished');
	on.host.withDisk((disk) => {
		const text = readerOf(disk);
		const now = readerOf(join(disk, treeOf(FIRST_BE)));
		const { src: _src, ...sets } = freebsdSets(TARGET);
		const replaced = Object.values(sets)
			.flat()
			.filter(({ path }) => !MERGED.test(path));
		found.push(...shippedDifferences(join(disk, treeOf(FIRST_BE)), replaced, 'release'));
		for (const path of [...TARGET.oldFiles, ...TARGET.oldLibs]) must(now(path) === 'not there', `${path} is left`);
		must(now('.cshrc') === '# changed on this host\n', '/.cshrc was replaced');
		must(now('boot/loader.conf').includes('changed on this host'), 'loader.conf was replaced');
		must(/1500[\s\S]*changed on this host/.test(now('etc/ssh/sshd_config')), 'sshd_config was not merged');
		must(/_newd[\s\S]*admin/.test(now('etc/master.passwd')), 'master.passwd was not merged');
		must(/1500[\s\S]*ServerName 127/.test(now('etc/freebsd-update.conf')), 'freebsd-update.conf was edited');
		must(now('etc/motd.template') === 'welcome to this host\n', 'a conflict did not keep what this host had');
		must(now('usr/local/bin/gtar').includes('# base gtar 1500'), 'packages were not refreshed');
		must(text('label/bootfs') === `${FIRST_BE}\n`, 'the pool boots something else');
		for (const path of ['esp/efi/freebsd/loader.efi', 'esp/efi/boot/bootx64.efi'])
			must(text(path) === loaderFile(TARGET), `${path} is old`);
		must(text('share/home/admin/notes') === 'what only this machine holds\n', '/home was touched');
		must(now('var/db/bsdup/lock') === 'not there', 'the host is still held');
	});
	return found;
}
