import { z } from 'zod';

/** One line of the list of sets. */
export const TargetFile = z.object({
	name: z.string(),
	sha256: z.string().regex(/^[0-9a-f]{64}$/),
	/** Bytes on the mirror; null where the mirror does not tell. */
	size: z.number().nullable(),
});
export type TargetFile = z.infer<typeof TargetFile>;

/** The archive of keys that the list's key was taken from, for the host to do the same. */
export const KeyBundle = z.object({
	file: z.string(),
	url: z.string(),
	sha256: z.string().regex(/^[0-9a-f]{64}$/),
	/** Bytes. */
	size: z.number(),
	/** Name of the host's own key that signed it. */
	key: z.string(),
});
export type KeyBundle = z.infer<typeof KeyBundle>;

/** Where a host shall go: the resolved and pinned list of one release or snapshot on one mirror. */
export const Target = z.object({
	/** What the person asked for: `snapshot` or `X.Y`. */
	name: z.string(),
	kind: z.enum(['release', 'snapshot']),
	/** `X.Y`, told by the suffix of the sets in the list, never by the running system (F:A.2). */
	version: z.string(),
	/** `78`, `100`. */
	suffix: z.string(),
	arch: z.string(),
	/** The top of the mirror, no slash at the end. */
	mirror: z.string(),
	/** Tops of all mirrors that serve it, in the order they are tried; the first is `mirror`. Never with a password. */
	mirrors: z.array(z.string()).min(1),
	/** The folder of the sets, no slash at the end. */
	url: z.string(),
	list: z.object({
		/** Name on the mirror: SHA256.sig or SHA256. */
		file: z.string(),
		/** SHA256 of the list file's own bytes (hex): the pin. */
		sha256: z.string().regex(/^[0-9a-f]{64}$/),
		/** SHA256 of the plain list (hex), i.e. of the signed message, or of the file itself. */
		plainSha256: z.string(),
		/** Name of the key that verified it, or null for an unsigned list. */
		key: z.string().nullable(),
		/** The list file's text, to be written beside the sets. */
		text: z.string(),
	}),
	/** Where the host lacks the list's key: what it is taken from. */
	keyBundle: KeyBundle.optional(),
	/** Epoch of BUILDINFO, or null. */
	build: z.number().nullable(),
	files: z.array(TargetFile),
});
export type Target = z.infer<typeof Target>;

/** Where a host shall go that fetches by a tool of its own: a release, of which no list is known here. */
export const Goal = z.strictObject({
	name: z.string(),
	kind: z.literal('release'),
	/** `X.Y` */
	version: z.string(),
	arch: z.string(),
});
export type Goal = z.infer<typeof Goal>;

/** The target where its list was pinned, else null. */
export function pinned(target: Target | Goal | null): Target | null {
	return target !== null && 'list' in target ? target : null;
}
