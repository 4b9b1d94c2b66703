import { z } from 'zod';

/** One mounted file system. Sizes in bytes. */
const Mount = z.object({
	device: z.string(),
	path: z.string(),
	type: z.string(),
	options: z.array(z.string()),
	size: z.number(),
	free: z.number(),
});

/** What is true on a host now, gathered by read-only commands (design: facts). */
export const Facts = z.object({
	format: z.literal(1),
	/** The host's own name (hostname(1)). */
	host: z.string(),
	/** Seconds since the epoch on the host when the facts were gathered. */
	clock: z.number(),
	/** `uname -s`; chooses the folder of manifests. */
	system: z.string(),
	/** `X.Y` */
	release: z.string().regex(/^\d+\.\d+$/),
	flavour: z.enum(['release', 'beta', 'current', 'stable']),
	/** First line of kern.version. */
	kernel: z.string(),
	/** hw.machine: the name of the sets' directory. */
	arch: z.string(),
	/** Architecture of packages, which may differ (F:A.3). */
	packageArch: z.string(),
	cpus: z.number().int(),
	/** True if the multiprocessor kernel is to be installed. */
	multiprocessor: z.boolean(),
	customKernel: z.boolean(),
	/** Seconds since the epoch. */
	bootTime: z.number(),
	securelevel: z.number().int(),
	mounts: z.array(Mount),
	rootDisk: z.string(),
	/** Set names installed, without suffix: base, comp, … */
	sets: z.array(z.string()),
	/** Path of GNU tar, or null. */
	gnuTar: z.string().nullable(),
	xRunning: z.boolean(),
	forwarding: z.boolean(),
	daemons: z.object({ enabled: z.array(z.string()), running: z.array(z.string()) }),
	/** Verification keys by file name; the text of the file. */
	keys: z.record(z.string(), z.string()),
	/** Epoch of the installed BUILDINFO, or null. */
	installedBuild: z.number().nullable(),
	/** SHA256 (hex) of the installed list, or null. */
	installedList: z.string().nullable(),
	/** Lines of installurl(5) or the like. */
	mirrors: z.array(z.string()),
	/** Root file system is on a softraid crypto volume without a key disk. */
	encryptedRoot: z.boolean(),
	packages: z.array(z.string()),
	/** What else this system's probes tell, by their names; for people, and to be kept in the plan. */
	also: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()])).optional(),
	privileges: z.object({
		user: z.string(),
		root: z.boolean(),
		doas: z.boolean(),
		sudo: z.boolean(),
	}),
});
export type Facts = z.infer<typeof Facts>;
