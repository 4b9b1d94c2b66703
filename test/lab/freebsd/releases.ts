/** The FreeBSD practice systems, as data. `level` orders kernels and programs, as __FreeBSD_version does. */
export interface FreebsdRelease {
	level: number;
	/** `14.3-RELEASE`: the userland's word, and the folder on the mirror. */
	name: string;
	/** Patch level and all: what the kernel says of itself. */
	kernel: string;
	/** Its freebsd-update installs libsys before the libc that needs it (EN-25:18). */
	libsysFirst?: boolean;
	/** Programs and libraries that the next release has no more (ObsoleteFiles.inc). */
	oldFiles: string[];
	oldLibs: string[];
	/** Its root is UFS; otherwise it is in a boot environment. */
	ufs?: true;
}

export const FREEBSD_RELEASES = {
	'9.3-RELEASE': { level: 903, name: '9.3-RELEASE', kernel: '9.3-RELEASE-p5', oldFiles: [], oldLibs: [], ufs: true },
	'10.4-RELEASE': {
		level: 1004,
		name: '10.4-RELEASE',
		kernel: '10.4-RELEASE',
		oldFiles: ['usr/sbin/gssd-old'],
		oldLibs: ['usr/lib/libold.so.1'],
		ufs: true,
	},
	'14.3-UFS': { level: 1403, name: '14.3-RELEASE', kernel: '14.3-RELEASE-p2', oldFiles: [], oldLibs: [], ufs: true },
	'14.3-RELEASE': { level: 1403, name: '14.3-RELEASE', kernel: '14.3-RELEASE-p2', oldFiles: [], oldLibs: [] },
	'15.0-RELEASE': {
		level: 1500,
		name: '15.0-RELEASE',
		kernel: '15.0-RELEASE',
		libsysFirst: true,
		oldFiles: ['usr/sbin/gssd-old'],
		oldLibs: ['usr/lib/libold.so.1'],
	},
} as const satisfies Record<string, FreebsdRelease>;

/** What the update server makes of 14.3: its errata are installed, EN-25:18 among them (F:B.3). */
export const PATCHED_14_3: FreebsdRelease = {
	...FREEBSD_RELEASES['14.3-RELEASE'],
	...{ name: '14.3-RELEASE-p5', kernel: '14.3-RELEASE-p5', libsysFirst: true },
};

export type FreebsdReleaseName = keyof typeof FREEBSD_RELEASES;
