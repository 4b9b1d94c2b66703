import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FIRST_BE, treeOf } from '../lab/freebsd/install.ts';
import { basePackages, PKGBASE, type PkgbaseName, type PkgbaseRelease } from '../lab/freebsd/pkgbase.ts';
import { loaderFile } from '../lab/freebsd/tree.ts';
import type { World } from '../lab/world.ts';
import { readerOf, shippedDifferences } from './on-disk.ts';

/** Files of base that a host may have of its own. */
const KEPT = /^(etc|root|var)\/|^\.(cshrc|profile)$|^boot\/(device\.hints|loader\.conf)$/;

/** An unattended upgrade of the world's host, which is of packaged base. */
export function pkgbaseArgs(on: World, command = 'upgrade', to = '15.1-RELEASE'): string[] {
	const words = ['--to', to, '--no-backup', '--unattended', ...(command === 'upgrade' ? ['--yes', '--patience', '3'] : [])];
	return [command, on.host.ssh.spec, ...on.host.flags, ...words];
}

/** Everything the host must be after the upgrade, as differences; empty = all of it holds. Turns the host off. `live`: it has no boot environments. */
export async function pkgbaseDifferences(on: World, to: PkgbaseName, { live = false } = {}): Promise<string[]> {
	const release: PkgbaseRelease = PKGBASE[to];
	const versions = (await on.host.inside('freebsd-version -kru')).output.trim().split('\n');
	await on.host.powerOff();
	const found = versions.every((one) => one === release.name) ? [] : [`it runs ${versions.join(' ')}`];
	const must = (holds: boolean, otherwise: string): void => void (holds || found.push(otherwise));
	on.host.withDisk((disk) => {
		const text = readerOf(disk);
		const active = text('label/bootfs').trim();
		must(live ? active === FIRST_BE : new RegExp(`^${release.name.split('-')[0]}-\\d{8}$`).test(active), `the pool boots ${active}`);
		const inNew = readerOf(join(disk, treeOf(active)));
		for (const { name, version, files } of basePackages(release)) {
			must(inNew(`var/db/pkg/local/${name}`).includes(`version ${version}\n`), `${name} is not ${version}`);
			const replaced = files.filter(({ path }) => !KEPT.test(path));
			found.push(...shippedDifferences(join(disk, treeOf(active)), replaced, 'package'));
		}
		must(inNew('.cshrc') === '# changed on this host\n', '/.cshrc was replaced');
		must(inNew('boot/loader.conf').includes('changed on this host'), 'loader.conf was replaced');
		must(inNew('etc/services').includes(`services of ${release.level}`), '/etc/services was not replaced');
		must(new RegExp(`${release.level}[\\s\\S]*changed on this host`).test(inNew('etc/ssh/sshd_config')), 'sshd_config was not merged');
		must(inNew('etc/motd.template') === 'welcome to this host\n', 'a conflict did not keep what this host had');
		must((inNew('etc/motd.template.pkgnew') !== 'not there') === (release.minor === 1), '.pkgnew is not beside it');
		const [there, aside] = release.minor === 1 ? ['15.1', 'this host'] : ['this host', undefined];
		must(inNew('etc/login.access') === `as ${there} has it\n`, 'a file of a new package is not its own');
		must(
			inNew('etc/login.access.pkgsave') === (aside === undefined ? 'not there' : `as ${aside} has it\n`),
			'what this host had there is not beside it',
		);
		must(inNew('etc/rc.d/bsdup_deadman') === 'not there', 'the dead man is left');
		must(inNew('usr/local/bin/gtar').includes('# 1.36'), 'packages were not refreshed');
		must(inNew('var/db/pkg/local/pkg').includes('version 2.5.1'), 'pkg is old');
		must(inNew('boot/modules/drm.ko') === `module of 15.${release.minor}\n`, 'the module is of another release');
		must(
			inNew('usr/local/etc/pkg/repos/FreeBSD-base.conf') === 'FreeBSD-base: { enabled: yes }\n',
			"the host's own repository was changed",
		);
		must(readdirSync(join(disk, treeOf(active), 'usr/local/etc/pkg/repos')).length === 1, 'a repository was left');
		must(text('label/bootonce') === 'not there', 'the pool boots something else once');
		if (!live) must(text(`schg/${active}`).includes('lib/libc.so.7'), 'libc lost its flag');
		for (const path of ['esp/efi/freebsd/loader.efi', 'esp/efi/boot/bootx64.efi'])
			must(text(path) === loaderFile(release), `${path} is old`);
		must(text('share/home/admin/notes') === 'what only this machine holds\n', '/home was touched');
		must(inNew('var/db/bsdup/lock') === 'not there', 'the host is still held');
	});
	return found;
}
