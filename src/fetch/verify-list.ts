import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import { quote } from '../transport/quote.ts';
import { parseAnyList, parseList, parseTabbed } from './list.ts';
import { keyNameOf, openSigned } from './signify.ts';

/** The names of lists: the signed one (`signify -Se`), those that nothing proves by themselves, of them the one with tabs (F:B.1). */
const SIGNED = 'SHA256.sig';
const PLAIN = 'SHA256';
const TABBED = 'MANIFEST';
/** Keys that sign sets, old and new names (F:A.4); keys of packages, firmware and patches must not vouch for sets. */
const KEY_NAME = '[A-Za-z0-9-]*base\\.pub';
const STATE = 'Nothing was changed.';

/** A list in a folder, and what may vouch for it. */
export interface VerifyListRequest {
	/** The folder of the sets. */
	dir: string;
	/** Path of the public key; left out = the key named in the list's first line, from `keyDir`. */
	key?: string | undefined;
	/** Where trusted keys lie; never the folder of the sets, which whoever made the sets can fill. */
	keyDir: string;
	/** Path of a copy of the list from elsewhere, which is believed in place of a signature. */
	trusted?: string | undefined;
	/** Take a list without a signature. */
	allowUnsigned: boolean;
}

/** A list, and what vouched for it. */
export interface VerifiedList {
	/** Name of the list's file, or the path of the trusted copy. */
	file: string;
	/** What vouches for it. */
	proof: 'signature' | 'copy' | 'none';
	/** Path of the key that verified it, or null where no signature did. */
	key: string | null;
	hashes: Map<string, string>;
	/** Lists that lie in the folder too and say something else; tools that read them would be misled. */
	differing: string[];
}

/**
 * Reads and proves the list in a folder: the signature, or the trusted copy, before a single name of it is looked at. Throws
 * E_LIST_ABSENT, E_LIST_UNSIGNED, E_KEY_UNKNOWN, E_KEY_NAME, E_KEY_FORMAT, E_SIGNATURE, E_SIGNATURE_FORMAT, E_LIST_FORMAT, E_READ.
 */
export async function verifyList(request: VerifyListRequest): Promise<VerifiedList> {
	const { dir, key, keyDir, trusted, allowUnsigned } = request;
	if (trusted !== undefined) {
		const hashes = parsed(trusted, await trustedBytes(trusted));
		return { file: trusted, proof: 'copy', key: null, hashes, differing: await differing(dir, hashes) };
	}
	const signed = await bytesOf(join(dir, SIGNED));
	if (signed !== null) {
		const path = key ?? join(keyDir, keyNameOf(signed, KEY_NAME));
		const message = openSigned(signed, await keyBytes(path, key !== undefined));
		const plain = await bytesOf(join(dir, PLAIN));
		return {
			...{ file: SIGNED, proof: 'signature', key: path, hashes: parseList(message.toString('utf8')) },
			differing: plain === null || plain.equals(message) ? [] : [PLAIN],
		};
	}
	const plain = await firstOf(dir, [PLAIN, TABBED]);
	if (plain === null)
		throw new BsdupError({
			code: 'E_LIST_ABSENT',
			message: `${dir} has none of ${SIGNED}, ${PLAIN} and ${TABBED}`,
			state: STATE,
			next: [`fetch the list from the mirror into ${dir}`],
		});
	if (!allowUnsigned || key !== undefined)
		throw new BsdupError({
			code: 'E_LIST_UNSIGNED',
			message: `${dir} has ${plain.file} but no ${SIGNED}: nothing proves where the list is from`,
			state: STATE,
			next: [
				...(plain.file === PLAIN ? [`fetch ${SIGNED} from the mirror into ${dir}`] : []),
				'--trusted-list FILE, a copy of the list from a source you trust',
				'where there is neither: --unsigned',
			],
		});
	return { file: plain.file, proof: 'none', key: null, hashes: parsed(plain.file, plain.bytes), differing: [] };
}

/** A list by the style its file's name tells; a trusted copy may be called anything (F:B.1), so its tabs tell. */
function parsed(file: string, bytes: Buffer): Map<string, string> {
	const text = bytes.toString('utf8');
	return basename(file) === TABBED ? parseTabbed(text) : parseAnyList(text);
}

async function differing(dir: string, hashes: ReadonlyMap<string, string>): Promise<string[]> {
	const found: string[] = [];
	for (const file of [PLAIN, TABBED]) {
		const bytes = await bytesOf(join(dir, file));
		if (bytes === null) continue;
		const own = parsed(file, bytes);
		if (own.size !== hashes.size || [...own].some(([name, hash]) => hashes.get(name) !== hash)) found.push(file);
	}
	return found;
}

async function firstOf(dir: string, files: readonly string[]): Promise<{ file: string; bytes: Buffer } | null> {
	for (const file of files) {
		const bytes = await bytesOf(join(dir, file));
		if (bytes !== null) return { file, bytes };
	}
	return null;
}

async function trustedBytes(path: string): Promise<Buffer> {
	const bytes = await bytesOf(path);
	if (bytes !== null) return bytes;
	throw new BsdupError({
		...{ code: 'E_LIST_ABSENT', message: `the trusted list ${path} is not there`, state: STATE },
		...{ next: ['--trusted-list FILE'], exit: EXIT.usage },
	});
}

async function keyBytes(path: string, asked: boolean): Promise<Buffer> {
	const bytes = await bytesOf(path);
	if (bytes !== null) return bytes;
	throw new BsdupError({
		code: 'E_KEY_UNKNOWN',
		message: asked ? `the key ${path} is not there` : `the list is signed with the key ${path}, which is not there`,
		state: STATE,
		next: ['--key FILE, with the key from a source you trust'],
		exit: asked ? EXIT.usage : EXIT.failed,
	});
}

async function bytesOf(path: string): Promise<Buffer | null> {
	try {
		return await readFile(path);
	} catch (cause) {
		const { code, message } = cause as NodeJS.ErrnoException;
		if (code === 'ENOENT') return null;
		throw new BsdupError({
			code: 'E_READ',
			message: `cannot read ${path}: ${message}`,
			state: STATE,
			next: [`ls -l ${quote(path)}`],
			cause,
		});
	}
}
