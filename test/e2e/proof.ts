import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { patchedVersion, RELEASES, type Release, type ReleaseName } from '../lab/releases.ts';
import { type LabFile, setsOf } from '../lab/tree.ts';
import type { World } from '../lab/world.ts';
import { readerOf, shippedDifferences } from './on-disk.ts';

/** The target and mirror words of a command line for a practice release, upgraded in place where nothing else is said. */
export function targetFlags(world: World, target: ReleaseName, method = 'in-place'): string[] {
	const to = target === '7.8' ? '7.8' : 'snapshot';
	return ['--method', method, '--to', to, '--mirror', `${world.mirror.url}${target === '4.9-newer' ? '/old' : ''}`];
}

/** An unattended upgrade of the world's host with a small backup. */
export function upgradeArgs(world: World, target: ReleaseName): string[] {
	const { spec } = world.host.ssh;
	return ['upgrade', spec, ...world.host.flags, ...targetFlags(world, target), ...BACKUP, '--unattended', '--yes', '--patience', '1'];
}

export const BACKUP = ['--backup-to', '/backup', '--backup', '/etc', '--backup', '/home', '--volume-size', '100K'];

/** Paths the manifest lists as rewritten, as the lab's system really rewrites them. */
const REWRITTEN = /^(usr\/lib\/libc\.so\.|usr\/sbin\/sshd$|var\/sysmerge\/|usr\/share\/relink\/)/;
/** What the patch of a practice release changes. */
const PATCHED = /^usr\/(bin\/wc|sbin\/user)$/;

/** Everything the host must be after an upgrade, as differences; empty = all of it holds. Turns the host off. */
export async function differences(world: World, target: ReleaseName): Promise<string[]> {
	const release: Release = RELEASES[target];
	const running = (await world.host.inside('sysctl -n kern.version')).output.split('\n')[0];
	await world.host.powerOff();
	const found: string[] = [];
	// Snapshots and 4.9 have no patches.
	const patched = /^OpenBSD [\d.]+ /.test(release.version) && release.modern;
	if (running !== (patched ? patchedVersion(release) : release.version)) found.push(`the kernel is ${running}`);
	world.host.withDisk((root) => {
		const text = readerOf(root);
		const { etc = [], xetc = [], ...sets } = setsOf(release);
		const unpacked = Object.values(sets)
			.flat()
			.filter((file) => !REWRITTEN.test(file.path));
		const byPatch = (file: LabFile): boolean => patched && PATCHED.test(file.path);
		const fixed = unpacked.filter(byPatch).map((file) => ({ ...file, text: `${file.text}# patched by 001_example\n` }));
		found.push(
			...shippedDifferences(
				root,
				unpacked.filter((file) => !byPatch(file)),
				'set',
			),
			...shippedDifferences(root, fixed, 'patch'),
		);
		for (const file of xetc) if (text(file.path) === file.text) found.push(`${file.path} of an etc set was unpacked`);
		for (const device of release.devices) if (text(`dev/${device}`) === 'not there') found.push(`no /dev/${device}`);
		if (text('etc/services') !== etc.find((file) => file.path === 'etc/services')?.text) found.push('/etc/services was not merged');
		if (!text('etc/ssh/sshd_config').includes('# changed on this host')) found.push('sshd_config lost what was changed here');
		if (!text('usr/local/bin/gtar').includes(`# package gtar ${release.level}`)) found.push('packages were not refreshed');
		if (text('home/admin/notes') !== 'what only this machine holds\n') found.push('/home was touched');
		if (text('sbin/oreboot') !== 'not there') found.push('/sbin/oreboot is left');
		if (!text('bsd').startsWith(`LABKERNEL ${release.level} GENERIC.MP`)) found.push('/bsd is another kernel');
		if (execFileSync('find', [join(root, 'var/db/bsdup'), '-name', 'lock'], { encoding: 'utf8' }) !== '')
			found.push('the host is still held');
	});
	return found;
}

/** Counts how often the process log shows a program with these words. */
export function started(world: World, words: string): number {
	return world.host.processLog().filter((line) => line.split(' ').slice(3).join(' ') === words).length;
}
