import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { FIRST_BE, treeOf } from '../lab/freebsd/install.ts';
import { FREEBSD_RELEASES } from '../lab/freebsd/releases.ts';
import { caOf, freebsdSets, loaderFile } from '../lab/freebsd/tree.ts';
import type { World } from '../lab/world.ts';
import { readerOf, shippedDifferences } from './on-disk.ts';

const NEW_BE = '15.0';
const TARGET = FREEBSD_RELEASES['15.0-RELEASE'];
/** What the sets bring and the host keeps its own of, or etcupdate merges. */
const KEPT = /^(etc|root|var)\/|^\.(cshrc|profile)$|^boot\/(device\.hints|loader\.conf)$/;
/** What a run and a boot may write in an environment; the rest is mounted there. */
const LEFT = 'var/db/bsdup var/run run dev lab lib lib64 proc boot/efi'
	.split(' ')
	.map((path) => `-path ./${path}`)
	.join(' -o ');

/** An unattended upgrade of the world's host in a new boot environment. */
export function environmentArgs(on: World, command = 'upgrade'): string[] {
	const to = ['--to', '15.0-RELEASE', '--mirror', on.mirror.url, '--no-backup', '--unattended'];
	return [command, on.host.ssh.spec, ...on.host.flags, ...to, ...(command === 'upgrade' ? ['--yes', '--patience', '3'] : [])];
}

/** Mode, owner, content and name of all that is in `tree`, the environment the host came with, and what the pool boots. Turns the host off. */
export async function oldSystem(on: World, tree = treeOf(FIRST_BE)): Promise<string[]> {
	await on.host.powerOff();
	return on.host.withDisk((disk) => {
		const find = `find . \\( ${LEFT} \\) -prune -o`;
		const look = `${find} -printf '%p %M %U:%G %l\\n'; ${find} -type f -exec sha256sum {} +`;
		const own = execFileSync('sh', ['-c', look], { cwd: join(disk, tree), encoding: 'utf8' })
			.split('\n')
			.sort();
		const pool = execFileSync('sh', ['-c', 'ls be; cat label/* schg/*; find share esp -type f -exec sha256sum {} +'], {
			cwd: disk,
			encoding: 'utf8',
		});
		return [...own, ...pool.split('\n')];
	});
}

/** Everything the host must be after the upgrade, as differences; empty = all of it holds. Turns the host off. */
export async function environmentDifferences(on: World): Promise<string[]> {
	const versions = (await on.host.inside('freebsd-version -kru')).output.trim().split('\n');
	await on.host.powerOff();
	const found = versions.every((one) => one === TARGET.name) ? [] : [`it runs ${versions.join(' ')}`];
	on.host.withDisk((disk) => {
		const text = readerOf(disk);
		const inNew = readerOf(join(disk, treeOf(NEW_BE)));
		const { src: _src, ...sets } = freebsdSets(TARGET);
		const replaced = Object.values(sets)
			.flat()
			.filter(({ path }) => !KEPT.test(path));
		found.push(...shippedDifferences(join(disk, treeOf(NEW_BE)), replaced, 'set'));
		const must = (holds: boolean, otherwise: string): void => void (holds || found.push(otherwise));
		for (const path of TARGET.oldFiles) must(inNew(path) === 'not there', `${path} is left`);
		for (const path of TARGET.oldLibs) must(inNew(path) !== 'not there', `${path} was removed, and packages may use it`);
		must(inNew('.cshrc') === '# changed on this host\n', '/.cshrc was replaced');
		must(inNew('boot/loader.conf').includes('changed on this host'), 'loader.conf was replaced');
		must(inNew('etc/services').includes('services of 1500'), '/etc/services was not merged');
		must(/1500[\s\S]*changed on this host/.test(inNew('etc/ssh/sshd_config')), 'sshd_config was not merged');
		must(
			/^root:\$6\$practice:.*:\/bin\/csh$[\s\S]*^admin:[\s\S]*^_newd:/m.test(inNew('etc/master.passwd')),
			'master.passwd was not merged',
		);
		must(/^_newd:\*:999:999:New/m.test(inNew('etc/passwd')), 'passwd was not made of it');
		must(inNew(`etc/ssl/certs/${caOf(TARGET)}.0`).startsWith('certificate'), 'what the release trusts is not trusted');
		must(inNew('etc/motd.template') === 'welcome to this host\n', 'a conflict did not keep what this host had');
		must(inNew('etc/rc.d/bsdup_deadman') === 'not there', 'the dead man is left');
		must(inNew('usr/local/bin/gtar').includes('# base gtar 1500'), 'packages were not refreshed');
		must(inNew('boot/kernel.old/kernel').startsWith('LABKERNEL 1403'), 'there is no kernel.old');
		must(text('schg/15.0').includes('lib/libc.so.7'), 'libc lost its flag');
		must(text('label/bootfs') === `${NEW_BE}\n` && text('label/bootonce') === 'not there', 'the pool boots something else');
		for (const path of ['esp/efi/freebsd/loader.efi', 'esp/efi/boot/bootx64.efi'])
			must(text(path) === loaderFile(TARGET), `${path} is old`);
		must(text('esp/efi/freebsd/loader.old') !== 'not there', 'the old loader was not kept');
		must(text('share/home/admin/notes') === 'what only this machine holds\n', '/home was touched');
		must(inNew('var/db/bsdup/lock') === 'not there', 'the host is still held');
	});
	return found;
}
