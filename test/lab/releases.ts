/** The practice systems, as data. `level` orders kernels and programs; `version` is what the kernel says of itself. */
export interface Release {
	level: number;
	version: string;
	suffix: string;
	/** 5.5 and later: signed lists, no etc sets, relinked kernels. */
	modern: boolean;
	/** Folder on the mirror, below its top. */
	folder: string;
	build: number;
	devices: string[];
}

const kernel = (name: string, number: number): string => `OpenBSD ${name} (GENERIC.MP) #${number}: Mon Nov 23 22:07:37 UTC 2026`;
const devices = ['sd0a', 'sd0c', 'rsd0c', 'pf', 'bpf'];

export const RELEASES = {
	'4.9': { level: 4900, version: kernel('4.9-beta', 500), suffix: '49', modern: false, folder: '4.9/amd64', build: 1300000000, devices },
	'4.9-newer': {
		level: 4910,
		version: kernel('4.9-current', 650),
		suffix: '49',
		modern: false,
		folder: 'old/snapshots/amd64',
		build: 1310000000,
		devices: [...devices, 'vscsi0'],
	},
	'7.7': { level: 7700, version: kernel('7.7', 625), suffix: '77', modern: true, folder: '7.7/amd64', build: 1744000000, devices },
	'7.8': {
		level: 7800,
		version: kernel('7.8', 54),
		suffix: '78',
		modern: true,
		folder: '7.8/amd64',
		build: 1760000000,
		devices: [...devices, 'psp'],
	},
	'7.9-beta': {
		level: 7900,
		version: kernel('7.9-beta', 101),
		suffix: '79',
		modern: true,
		folder: 'snapshots/amd64',
		build: 1775000000,
		devices: [...devices, 'psp', 'vmm1'],
	},
	'7.9': {
		level: 7950,
		version: kernel('7.9', 218),
		suffix: '79',
		modern: true,
		folder: '7.9/amd64',
		build: 1777000000,
		devices: [...devices, 'psp', 'vmm1'],
	},
} as const satisfies Record<string, Release>;

export type ReleaseName = keyof typeof RELEASES;

/** What a relinked kernel says of itself once its release's patches are in (F:A.14). */
export const patchedVersion = ({ version }: Pick<Release, 'version'>): string => version.replace(/#\d+:/, '#1:');
