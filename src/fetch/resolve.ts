import { createHash } from 'node:crypto';
import { BsdupError } from '../errors.ts';
import { type KeyBundleLayout, keyFromBundle, keyUnknown } from './key-bundle.ts';
import { parseAnyList } from './list.ts';
import { provenByCopy } from './list-copy.ts';
import { mirrorTop } from './mirror-url.ts';
import { buildOf, proveOneSuffix, unfit } from './one-build.ts';
import { keyNameOf, openSigned, unverifiedMessage } from './signify.ts';
import { bare, readAll, sizesOf } from './source.ts';
import type { KeyBundle, Target } from './target.ts';

/** The mirror's layout, from the manifest. */
export interface Layout {
	release: string;
	/** Of those past their end: the folder, asked where the other is not there, and a mirror that has them. */
	archive?: { release: string; at: string };
	/** Left out = there are none. */
	snapshot?: string;
	/** `copy`: what the host's own trusted copy of an unsigned one is called, with `{{version}}` and `{{arch}}`. */
	lists: { file: string; signed: boolean; copy?: string }[];
	keyName: string;
	/** What the key of a release is called, with `{{suffix}}`, where its list does not name it. */
	key?: string;
	/** Where a key is that the host lacks; left out = such a list is refused. */
	keyBundle?: KeyBundleLayout;
	/** Left out = sets have no suffix, and the list tells no version. */
	suffixFrom?: string;
	/** Names the architecture a list is of, from a file's name in it (one group); left out = not checked. */
	archFrom?: string;
	build?: string;
	/** A set's file, and the names of all sets; left out = only base is held against the version. */
	sets?: { file: string; names: readonly string[] };
	/** One of the first two must be listed. */
	kernels: string[];
}

/** The release or snapshot asked for, of which mirror, and what its list is verified by. */
export interface ResolveRequest {
	/** `snapshot` or `X.Y`. */
	name: string;
	arch: string;
	mirror: string;
	/** Public keys and trusted lists by file name, as the host holds them. */
	keys: Record<string, string>;
	/** The file in which a person gave the trusted list, for errors; left out = it is the host's own. */
	copyFile?: string | undefined;
	layout: Layout;
	/** It is a later hop's, whose key may come only with the release before: such a list is pinned, to be proven when its turn comes. */
	later?: boolean;
}

/**
 * Fetches the list of a release or snapshot, verifies it with the host's own key and pins it. The suffix and the
 * version come from the list (F:A.2); the key is the one named in its first line (F:A.4). Throws E_MIRROR_URL, E_NOT_FOUND,
 * E_MIRROR_UNREACHABLE, E_SIGNATURE_FORMAT, E_KEY_NAME, E_KEY_UNKNOWN, E_SIGNATURE, E_LIST_FORMAT, E_LIST_INCOMPLETE,
 * E_LIST_MIXED, E_LIST_ARCH, E_LIST_VERSION, E_LIST_COPY, E_HASH_MISMATCH (of the build's file).
 */
export async function resolveTarget(request: ResolveRequest): Promise<Target> {
	const { name, arch, layout } = request;
	const mirror = mirrorTop(request.mirror);
	const kind = name === 'snapshot' ? 'snapshot' : 'release';
	const place = (text: string): string => text.replace('{{version}}', name).replace('{{arch}}', arch);
	const choice = layout.lists[0];
	if (choice === undefined) throw new Error('the manifest has no list for this version');
	const archive = kind === 'release' ? layout.archive : undefined;
	const folders = [layout[kind] ?? '', ...(archive === undefined ? [] : [archive.release])].map((folder) => `${mirror}/${place(folder)}`);
	const { url, bytes } = await firstOf(folders, choice.file, archive?.at);
	const text = bytes.toString('utf8');
	const ofRelease = kind === 'release' ? layout.key?.replace('{{suffix}}', name.replace('.', '')) : undefined;
	const signer = choice.signed ? keyNameOf(bytes, layout.keyName, ofRelease) : null;
	const vouched = signer === null ? undefined : await keyFor(signer, request).catch((error: unknown) => keyToCome(error, request));
	const unproven = signer === null ? bytes : unverifiedMessage(bytes);
	const plain = vouched === undefined ? unproven : openSigned(bytes, Buffer.from(vouched.text));
	const hashes = parseAnyList(plain.toString('utf8'));
	// A server that tells no length and breaks off is not told from one that is at its end; a set that is not listed would be left out.
	if (plain.at(-1) !== 10) throw unfit('E_LIST_INCOMPLETE', `the list at ${bare(url)} ends in the middle of a line`);
	const copy = choice.copy === undefined ? null : provenByCopy(hashes, place(choice.copy), request.keys, bare(url), request.copyFile);
	const key = signer ?? copy;
	const [suffix, other] = layout.suffixFrom === undefined ? [''] : told(hashes, layout.suffixFrom);
	if (suffix === undefined || !layout.kernels.slice(0, 2).some((kernel) => hashes.has(kernel)))
		throw unfit('E_LIST_INCOMPLETE', `the list at ${bare(url)} has ${suffix === undefined ? 'no base set' : 'no kernel'}`);
	if (other !== undefined) throw unfit('E_LIST_MIXED', `the list at ${bare(url)} has sets of two versions: ${suffix} and ${other}`);
	if (layout.sets !== undefined && suffix !== '') proveOneSuffix(hashes.keys(), suffix, layout.sets, bare(url));
	const arches = layout.archFrom === undefined ? [] : told(hashes, layout.archFrom);
	if (arches.length > 0 && !arches.includes(arch))
		throw unfit('E_LIST_ARCH', `the list at ${bare(url)} is of ${arches.join(' ')}, not ${arch}`);
	const version = suffix === '' ? name : `${suffix.slice(0, -1)}.${suffix.slice(-1)}`;
	if (kind === 'release' && version !== name) throw unfit('E_LIST_VERSION', `the list at ${bare(url)} is of ${version}, not ${name}`);
	const sizes = await sizesOf([...hashes.keys()].map((file) => `${url}/${file}`));
	return {
		name,
		kind,
		version,
		suffix,
		arch,
		mirror,
		mirrors: [mirror],
		url,
		list: { file: choice.file, sha256: sha256(bytes), plainSha256: sha256(plain), key, text },
		...(vouched?.bundle === undefined ? {} : { keyBundle: vouched.bundle }),
		build: layout.build === undefined ? null : await buildOf(`${url}/${layout.build}`, hashes.get(layout.build)),
		files: [...hashes].map(([file, hash], index) => ({ name: file, sha256: hash, size: sizes[index] ?? null })),
	};
}

/** The list, and the first of the folders that has it; `archive`: a mirror that may. Throws as readAll; where no folder has it, of the first. */
async function firstOf(folders: readonly string[], file: string, archive?: string): Promise<{ url: string; bytes: Buffer }> {
	let missing: BsdupError | undefined;
	for (const url of folders) {
		try {
			return { url, bytes: await readAll(`${url}/${file}`) };
		} catch (error) {
			if (!(error instanceof BsdupError) || error.code !== 'E_NOT_FOUND') throw error;
			missing ??= error;
		}
	}
	if (missing === undefined) throw new Error('no folder was given');
	if (archive === undefined) throw missing;
	const { code, message, next } = missing;
	throw new BsdupError({ code, message, next: [...next, `--mirror ${archive}   (for a release that is past its end)`] });
}

/** What the one group of `pattern` finds in the names of the list, each once. */
function told(hashes: ReadonlyMap<string, string>, pattern: string): string[] {
	const found = [...hashes.keys()].map((file) => new RegExp(pattern).exec(file)?.[1]).filter((value) => value !== undefined);
	return [...new Set(found)];
}

/** The host's own key, or one that an older key of the host vouches for. */
async function keyFor(name: string, { keys, mirror, layout }: ResolveRequest): Promise<{ text: string; bundle?: KeyBundle }> {
	const text = Object.hasOwn(keys, name) ? keys[name] : undefined;
	if (text !== undefined) return { text };
	if (layout.keyBundle !== undefined) return await keyFromBundle({ wanted: name, keys, mirror, layout: layout.keyBundle });
	throw keyUnknown(name, []);
}

/** Throws the error, unless it is that of a key which the release before brings. */
function keyToCome(error: unknown, { later }: ResolveRequest): undefined {
	if (later !== true || !(error instanceof BsdupError) || error.code !== 'E_KEY_UNKNOWN') throw error;
	return undefined;
}

function sha256(bytes: Buffer): string {
	return createHash('sha256').update(bytes).digest('hex');
}
