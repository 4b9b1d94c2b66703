import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installFreebsd, installOnUfs } from './freebsd/install.ts';
import { type FreebsdMirrorOptions, publishFreebsd } from './freebsd/mirror.ts';
import { installPkgbase, PKGBASE, type PkgbaseName, publishPkgbase } from './freebsd/pkgbase.ts';
import { FREEBSD_RELEASES, type FreebsdRelease, type FreebsdReleaseName } from './freebsd/releases.ts';
import { type InstallOptions, installSystem } from './install.ts';
import { type MirrorOptions, publish } from './mirror.ts';
import { RELEASES, type ReleaseName } from './releases.ts';
import { ROOT } from './root.ts';
import { OLD_ALGORITHMS } from './tree.ts';

/** Every practice system there is, by its release. */
export type SystemName = ReleaseName | FreebsdReleaseName | PkgbaseName;

/** What makes a practice host one of its system. */
export interface PracticeSystem {
	/** What boots it, from the package. */
	bootScript: string;
	/** Folders of stand-ins in the package; of two with one name the later folder's counts. */
	standIns: readonly string[];
	/** Size of a disk image. GiB; it is sparse. */
	diskGiB: number;
	hostKey: 'ed25519' | 'rsa';
	/** Lines of ssh_config without which its sshd is not reached. */
	sshConfig: readonly string[];
	/** Lays an installed system on the disk and returns the tree that will be /. */
	install(disk: string, options: InstallOptions): string;
}

/** The practice system of a release. */
export function systemOf(name: SystemName): PracticeSystem {
	if (isPkgbase(name)) {
		const like = systemOf('15.0-RELEASE');
		return { ...like, diskGiB: 2, standIns: [...like.standIns, 'test/lab/freebsd/pkgbase'], install: installPkgbase };
	}
	if (isFreebsd(name) && isOnUfs(name))
		return {
			bootScript: 'test/lab/freebsd/boot-ufs.sh',
			standIns: ['test/lab/stand-ins', 'test/lab/freebsd/stand-ins', 'test/lab/freebsd/ufs-stand-ins'],
			diskGiB: 4,
			hostKey: 'ed25519',
			sshConfig: [],
			install: (disk, options) => installOnUfs(disk, name, options),
		};
	if (isFreebsd(name))
		return {
			bootScript: 'test/lab/freebsd/boot.sh',
			standIns: ['test/lab/stand-ins', 'test/lab/freebsd/stand-ins'],
			diskGiB: 5,
			hostKey: 'ed25519',
			sshConfig: [],
			install: (disk, options) => installFreebsd(disk, name, options),
		};
	const { modern } = RELEASES[name];
	return {
		bootScript: 'test/lab/boot.sh',
		standIns: ['test/lab/stand-ins'],
		diskGiB: 2,
		hostKey: modern ? 'ed25519' : 'rsa',
		// What an admin has to write before an old host can be reached.
		sshConfig: modern ? [] : ['Host 127.0.0.1', ...OLD_ALGORITHMS.map((line) => `\t${line.replace(' ', ' +')}`)],
		install(disk, options) {
			installSystem(disk, name, options);
			return disk;
		},
	};
}

/** Lays the stand-ins of a system into a folder. A link there is replaced, never followed: what cpSync does with one differs by Node's version. */
export function layStandIns({ standIns }: Pick<PracticeSystem, 'standIns'>, to: string): void {
	mkdirSync(to, { recursive: true });
	for (const from of standIns) {
		for (const name of readdirSync(join(ROOT, from))) {
			rmSync(join(to, name), { force: true });
			cpSync(join(ROOT, from, name), join(to, name), { verbatimSymlinks: true });
		}
	}
}

/** How a mirror's release may differ; each system takes what it knows of. */
export type PublishOptions = MirrorOptions & FreebsdMirrorOptions;

/** Writes one release in its mirror's real layout below `top`. */
export function publishSystem(top: string, name: SystemName, options: PublishOptions = {}): void {
	if (isPkgbase(name)) publishPkgbase(top, name, options);
	else if (isFreebsd(name)) publishFreebsd(top, name, options);
	else publish(top, name, options);
}

function isFreebsd(name: SystemName): name is FreebsdReleaseName {
	return name in FREEBSD_RELEASES;
}

function isOnUfs(name: FreebsdReleaseName): boolean {
	const { ufs }: FreebsdRelease = FREEBSD_RELEASES[name];
	return ufs === true;
}

/** Whether its base is packages. */
export function isPkgbase(name: SystemName): name is PkgbaseName {
	return name in PKGBASE;
}
