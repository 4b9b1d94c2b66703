import { z } from 'zod';
import { RANGE } from './version.ts';

/** The manifest format; manifests/README.md explains it on one page. Unknown keys are errors. */

const Range = z.string().regex(RANGE, 'a range is like ">=5.5 <5.7"');
const Duration = z.string().regex(/^\d+[smh]$/, 'a duration is like 30s, 10m or 2h');

/** When a step or part belongs to a plan: by the running version, the target's version, and words told by facts and options. */
const conditions = {
	running: Range.optional(),
	target: Range.optional(),
	is: z.array(z.string().regex(/^!?[a-zA-Z]+$/)).optional(),
};

const Each = z.strictObject({
	over: z.enum(['files', 'otherSets', 'allSets', 'stopping', 'site', 'keyBundle', 'health']),
	run: z.string(),
});

const Part = z.strictObject({
	title: z.string(),
	...conditions,
	/** Made once in a run, however often the zone is run: the name of its marker. */
	once: z
		.string()
		.regex(/^[a-z]+$/)
		.optional(),
	run: z.string().optional(),
	each: Each.optional(),
});

const ManifestStep = z.strictObject({
	id: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
	title: z.string(),
	kind: z.enum(['check', 'host', 'stream', 'fetch', 'confirm', 'zone', 'reboot']).default('host'),
	...conditions,
	needs: z.array(z.string()).default([]),
	danger: z.enum(['none', 'disruptive', 'no-return']).default('none'),
	attended: z.boolean().default(false),
	timeout: Duration,
	attempts: z.number().int().min(1).max(10).default(1),
	run: z.string().default(''),
	each: Each.optional(),
	end: z.string().default(''),
	parts: z.array(Part).default([]),
	done: z.string().default(''),
	doneEach: Each.optional(),
	proof: z.string().default(''),
	/** Of a step that reboots: asked once when the host is back and the step is not done; prints as what it came back. */
	returned: z.string().default(''),
	undo: z.string().default(''),
	undoEach: Each.optional(),
	undone: z.string().default(''),
	undoneEach: Each.optional(),
	/** `undo` may reboot the host, which whoever sits there is told before. */
	undoReboots: z.boolean().default(false),
	stays: z.string().default(''),
	measure: z.string().default(''),
});
export type ManifestStep = z.infer<typeof ManifestStep>;

/** What a finding is told with; the host prints it on one line. */
const OneLine = z.string().regex(/^.+$/, 'is one line');

const Check = z.strictObject({
	id: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
	/** refuse: the upgrade is not begun · warn: only told. */
	severity: z.enum(['refuse', 'warn']).default('refuse'),
	running: conditions.running,
	is: conditions.is,
	test: z.string(),
	says: OneLine,
	fix: OneLine,
});

/** What a line of a host's console means where the host does not answer; the last line that has one counts. */
const ConsoleSign = z.strictObject({
	sign: z.string().refine(isPattern, 'is no regular expression'),
	/** It came up in its installer. */
	installer: z.boolean().default(false),
	says: OneLine,
	next: OneLine,
});

/** Where the sets of a release or snapshot are. */
const Mirror = z.strictObject({
	release: z.string(),
	/** Releases past their end: their folder, asked after the other one, and a mirror that has them. */
	archive: z.strictObject({ release: z.string(), at: z.string() }).optional(),
	/** Left out = there are none that this method could go to. */
	snapshot: z.string().optional(),
	lists: z
		.array(
			z.strictObject({
				file: z.string(),
				signed: z.boolean(),
				/** What the host's own trusted copy of an unsigned list is called, where it has one. */
				copy: z.string().optional(),
				running: Range.optional(),
			}),
		)
		.min(1),
	keyName: z.string().default('(?!)'),
	/** What the key of a release is called where its list does not name it. */
	key: z.string().optional(),
	/** An archive of newer keys, signed with an older one. */
	keyBundle: z
		.strictObject({ running: Range.optional(), number: z.string(), file: z.string(), from: z.array(z.string()).min(1) })
		.optional(),
	archFrom: z.string().optional(),
	/** Left out = the names of sets have none, and the list tells no version. */
	suffixFrom: z.string().optional(),
	build: z.string().optional(),
	/** A file in the folder of the packages, whose date tells theirs; the folder as `release` and `snapshot`. */
	packages: z.strictObject({ release: z.string(), snapshot: z.string(), file: z.string() }).optional(),
	/** A listing as of ls(1) -l beside the sets, with their sizes. */
	index: z.string().optional(),
	default: z.string(),
});

/** What they are called, and which are taken. */
const Sets = z.strictObject({
	order: z.array(z.string()).min(1),
	file: z.string(),
	required: z.array(z.string()),
	references: z.strictObject({ running: Range.optional(), names: z.array(z.string()) }).default({ names: [] }),
	/** What may stand at the top of a set. */
	tops: z
		.array(z.string().regex(/^[A-Za-z0-9._-]+$/))
		.min(1)
		.optional(),
});

/** One upgrade method of one operating system, as data. */
export const Manifest = z.strictObject({
	format: z.literal(1),
	system: z.string(),
	method: z.string(),
	title: z.string(),
	/** Taken where no method is asked for and nothing speaks against it; of several, the first by name. */
	preferred: z.strictObject({ running: Range.optional(), is: conditions.is, why: z.string() }).optional(),
	eras: z.array(z.strictObject({ name: z.string(), running: Range, usrFree: z.number() })).min(1),
	/** What may be reached in one go: the release after the running one, or any later one of this or the next major version. */
	reach: z.enum(['release', 'major']).default('release'),
	refused: z.array(z.strictObject({ ...conditions, why: z.string(), next: z.string() })).default([]),
	/** These four are left out together where the system's own tool brings what it installs. */
	mirror: Mirror.optional(),
	sets: Sets.optional(),
	stage: z.array(z.string().startsWith('/')).min(1).optional(),
	/** `multi` is `single` and there is no `ramdisk` where they are left out. */
	kernels: z.strictObject({ single: z.string(), multi: z.string().optional(), ramdisk: z.string().optional() }).optional(),
	/** Files of the list that lie beside the sets, with `{{arch}}`; brought and verified with them. */
	beside: z.array(z.string()).default([]),
	/** Placeholders of its own, each a text of others. */
	names: z.record(z.string().regex(/^[a-z][a-zA-Z]*$/), z.string()).default({}),
	bootTime: z.string(),
	rewritten: z.array(z.strictObject({ path: z.string().regex(/^\/[^\s'"`$;&|()]*$/), why: z.string() })).default([]),
	stoppable: z.array(z.string().regex(/^[a-z0-9_]+$/)).default([]),
	consoleSigns: z.array(ConsoleSign).default([]),
	checks: z.array(Check),
	steps: z.array(ManifestStep).min(1),
	recovery: z.string(),
});
export type Manifest = z.infer<typeof Manifest>;

const BRINGING = ['mirror', 'sets', 'stage', 'kernels'] as const;
type Bringing = (typeof BRINGING)[number];

/** The manifest of a method that brings sets to the host. */
export type SetsManifest = Manifest & { [K in Bringing]: NonNullable<Manifest[K]> };

/** Whether sets are brought to the host, or its own tool fetches what it installs. */
export function bringsSets(manifest: Manifest): manifest is SetsManifest {
	return BRINGING.every((key) => manifest[key] !== undefined);
}

/** The keys that are missing where others tell that sets are brought. */
export function missingOfSets(manifest: Manifest): Bringing[] {
	const missing = BRINGING.filter((key) => manifest[key] === undefined);
	return missing.length === BRINGING.length ? [] : missing;
}

/** A job that leaves the system what it is: nothing is fetched, nothing goes anywhere. */
export const TaskManifest = z.strictObject({
	...Manifest.pick({ format: true, system: true, method: true, title: true, bootTime: true, checks: true, steps: true, recovery: true })
		.shape,
	target: z.literal('none'),
});
export type TaskManifest = z.infer<typeof TaskManifest>;

function isPattern(text: string): boolean {
	try {
		return new RegExp(text) !== null;
	} catch {
		return false;
	}
}
