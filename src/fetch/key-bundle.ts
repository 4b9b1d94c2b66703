import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { BsdupError } from '../errors.ts';
import { bare, readAll } from './source.ts';
import type { KeyBundle } from './target.ts';
import { openSignedGzip } from './zsig.ts';

/** Where a key is that a host lacks, from the manifest. */
export interface KeyBundleLayout {
	/** Finds the number of a key in its name (one group). */
	number: string;
	/** Name of the bundle, with `{{number}}` of an older key. */
	file: string;
	/** Folders that may hold it, with `{{mirror}}`; asked in turn. */
	from: readonly string[];
}

/** The key that is wanted, and what can prove the bundle that has it. */
export interface KeyBundleRequest {
	/** Name of the key that is wanted. */
	wanted: string;
	/** Keys by file name, as the host holds them. */
	keys: Readonly<Record<string, string>>;
	mirror: string;
	layout: KeyBundleLayout;
}

/** Bytes a bundle may unpack to; it holds keys of a hundred bytes each. */
const UNPACKED = 1 << 22;

/**
 * Fetches the bundle for the host's second-newest key, as sysupgrade(8) does (F:A.4), proves it with a key that the host holds, and
 * takes the wanted key out of it. That the older key signs the bundle is what that program relies on; were it another's, the
 * proof would fail here. Throws E_KEY_UNKNOWN where the host has no key of such a name or no bundle helps, with every reason.
 */
export async function keyFromBundle(request: KeyBundleRequest): Promise<{ text: string; bundle: KeyBundle }> {
	const { wanted, keys, mirror, layout } = request;
	const held = Object.keys(keys)
		.map((name) => Number(new RegExp(layout.number).exec(name)?.[1]))
		.filter((number) => !Number.isNaN(number))
		.sort((a, b) => b - a);
	const number = held[1] ?? held[0];
	if (number === undefined) throw keyUnknown(wanted, ['it holds no older one that could vouch for it']);
	const file = layout.file.replace('{{number}}', String(number));
	const reasons: string[] = [];
	for (const folder of layout.from) {
		const url = `${folder.replace('{{mirror}}', mirror)}/${file}`;
		try {
			return await take(url, file, request);
		} catch (error) {
			if (!(error instanceof BsdupError)) throw error;
			reasons.push(error.message.includes(bare(url)) ? error.message : `${bare(url)}: ${error.message}`);
		}
	}
	throw keyUnknown(wanted, reasons);
}

async function take(url: string, file: string, { wanted, keys, layout }: KeyBundleRequest): Promise<{ text: string; bundle: KeyBundle }> {
	const bytes = await readAll(url);
	const { gzip, key } = openSignedGzip(bytes, layout.number, (name) => {
		const text = Object.hasOwn(keys, name) ? keys[name] : undefined;
		if (text === undefined) throw keyUnknown(name, ['it signed the bundle']);
		return Buffer.from(text);
	});
	const found = (await membersOf(gzip, wanted)).find(({ header }) => header.name === wanted && header.type === 'file');
	if (found?.data === undefined) throw keyUnknown(wanted, ['the bundle does not hold it either']);
	return {
		text: Buffer.from(found.data).toString('latin1'),
		bundle: { file, url, key, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length },
	};
}

async function membersOf(gzip: Buffer, wanted: string): ReturnType<typeof unpackTar> {
	try {
		return await unpackTar(gunzipSync(gzip, { maxOutputLength: UNPACKED }), { strict: true });
	} catch (error) {
		throw keyUnknown(wanted, [`the bundle does not unpack: ${(error as Error).message}`]);
	}
}

/** E_KEY_UNKNOWN: a list's key that the host lacks; `reasons`: what was tried, one clause each. */
export function keyUnknown(name: string, reasons: readonly string[]): BsdupError {
	return new BsdupError({
		code: 'E_KEY_UNKNOWN',
		message: [`the list is signed with ${name}, which the host does not hold`, ...reasons].join('; '),
		next: [
			`put ${name} into /etc/signify on the host, from a source you trust`,
			'go to the next release only: it is signed with a key the host has',
		],
	});
}
