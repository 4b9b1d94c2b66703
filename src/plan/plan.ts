import { z } from 'zod';
import { Facts } from '../facts/facts.ts';
import { Goal, Target } from '../fetch/target.ts';

const SHA256 = /^[0-9a-f]{64}$/;
/** It becomes a path on the controller, whoever made the plan. */
const PlainName = z.string().regex(/^[A-Za-z0-9_+][A-Za-z0-9._+-]*$/);

/**
 * A step of a plan. `commands`, `done`, `proof`, `undo` are sh text, fully expanded: what `--dry-run`
 * prints, what the script holds and what the runner executes.
 */
export const Step = z.object({
	id: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
	title: z.string(),
	/**
	 * host: a detached job · fetch: the controller fetches and pushes (its commands are what a host does by itself)
	 * · stream: its standard output is received by the controller, see `receive` · confirm: a person says yes · zone: the danger zone, ends with a reboot · reboot: ends in a verdict
	 */
	kind: z.enum(['host', 'stream', 'fetch', 'confirm', 'zone', 'reboot']),
	needs: z.array(z.string()),
	commands: z.array(z.string()),
	/** Exit 0 = nothing left to do. */
	done: z.string(),
	/** Must hold afterwards; empty = the job's own exit status is the proof. */
	proof: z.string(),
	/** Prints as what the host came back after a reboot that left the step undone; empty or absent = nothing is known of it. */
	returned: z.string().optional(),
	/** Takes the step back; empty = nothing does, see `stays`. */
	undo: z.string(),
	/** Exit 0 = it is taken back; empty = the status of `undo` tells. Absent in plans of old, like `stays`. */
	undone: z.string().optional(),
	/** `undo` may reboot the host; of the job that takes a step back, it may itself. Absent = no. */
	undoReboots: z.boolean().optional(),
	/** What a rollback leaves of the step, and why that is well; for people. */
	stays: z.string().optional(),
	/** Prints the bytes done and, where known, the bytes in all; only reads. Empty = nothing to measure. */
	measure: z.string(),
	/** Seconds. */
	timeout: z.number().int().positive(),
	/** Attempts in all. */
	attempts: z.number().int().positive(),
	danger: z.enum(['none', 'disruptive', 'no-return']),
	/** Runs on a person's terminal. */
	attended: z.boolean(),
});
export type Step = z.infer<typeof Step>;

/** A plan as it is written: everything that will be done, as text, pinned to what the mirror had. */
export const Plan = z.object({
	format: z.literal(1),
	/** `run-…`; names the directory on the host and the run. */
	run: z.string().regex(/^run-[a-z0-9-]+$/),
	title: z.string(),
	/** SHA256 of the canonical JSON of everything else (hex). */
	hash: z.string(),
	manifest: z.string(),
	/** Why this method, where nobody asked for one; for people. */
	chosen: z.string().optional(),
	facts: Facts,
	/** Where it goes; null for a job that leaves the system as it is. */
	target: z.union([Target, Goal]).nullable(),
	unattended: z.boolean(),
	/** Directory of the run on the host. */
	dir: z.string(),
	/** Directory of the sets on the host. */
	sets: z.string(),
	/** Prints the boot time on the host; only its change matters. */
	bootTime: z.string(),
	/** Files brought to the host, in order, each by the step named. `urls`: the same file on every mirror, in the order they are tried. */
	fetch: z.array(
		z.object({
			step: z.string(),
			name: PlainName,
			urls: z.array(z.string()).min(1),
			sha256: z.string().regex(SHA256),
			size: z.number().nullable(),
		}),
	),
	/** Where a `stream` step's archive goes on the controller, in pieces, and what its MANIFEST.json begins with. */
	receive: z.object({ dir: z.string(), base: PlainName, volumeKiB: z.number().int().positive(), about: z.string() }).optional(),
	steps: z.array(Step),
	/** Paths that the system rewrites at boot, each with its reason; proofs leave them out. */
	rewritten: z.array(z.object({ path: z.string(), why: z.string() })),
	/** What lines of the host's console mean where it does not answer: `sign` is a regular expression. Absent in plans of old. */
	consoleSigns: z.array(z.object({ sign: z.string(), installer: z.boolean(), says: z.string(), next: z.string() })).optional(),
	/** Where it goes on to when this is proven, a release at a time; each hop is a run of its own, planned from the facts it then finds. */
	onward: z
		.object({
			/** What a person asked for, by the names of the flags; `to` is the last release. */
			request: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
			/** The hops after this one: the release, the SHA256 (hex) its list must have then (null: the host's own tool knows it), and the plan for people as it is expected now. */
			hops: z.array(z.object({ to: z.string(), list: z.string().regex(SHA256).nullable(), text: z.string() })).min(1),
		})
		.optional(),
	/** How to get back by hand, for this host. */
	recovery: z.string(),
});
export type Plan = z.infer<typeof Plan>;
