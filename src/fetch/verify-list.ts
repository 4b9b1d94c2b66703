import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import { parseList } from './list.ts';
import { keyNameOf, openSigned } from './signify.ts';

/** The names of lists, the signed one (`signify -Se`) first. */
const SIGNED = 'SHA256.sig';
const PLAIN = 'SHA256';
/** Keys that sign sets, old and new names (F:A.4); keys of packages, firmware and patches must not vouch for sets. */
const KEY_NAME = '[A-Za-z0-9-]*base\\.pub';
const STATE = 'Nothing was changed.';

export interface VerifyListRequest {
	/** The folder of the sets. */
	dir: string;
	/** Path of the public key; left out = the key named in the list's first line, from `keyDir`. */
	key?: string | undefined;
	/** Where trusted keys lie; never the folder of the sets, which whoever made the sets can fill. */
	keyDir: string;
	/** Take a list without a signature. */
	allowUnsigned: boolean;
}

export interface VerifiedList {
	/** Name of the list's file. */
	file: string;
	/** Path of the key that verified it, or null for an unsigned list. */
	key: string | null;
	hashes: Map<string, string>;
	/** The plain list lies beside the signed one and says something else; tools that read it would be misled. */
	plainDiffers: boolean;
}

/**
 * Reads and proves the list in a folder: the signature before a single name of it is looked at.
 * Throws E_LIST_ABSENT, E_LIST_UNSIGNED, E_KEY_UNKNOWN, E_KEY_NAME, E_KEY_FORMAT, E_SIGNATURE, E_SIGNATURE_FORMAT, E_LIST_FORMAT.
 */
export async function verifyList({ dir, key, keyDir, allowUnsigned }: VerifyListRequest): Promise<VerifiedList> {
	const signed = await textOf(join(dir, SIGNED));
	const plain = await textOf(join(dir, PLAIN));
	if (signed !== null) {
		const path = key ?? join(keyDir, keyNameOf(signed, KEY_NAME));
		const message = openSigned(signed, await keyText(path, key !== undefined));
		return { file: SIGNED, key: path, hashes: parseList(message), plainDiffers: plain !== null && plain !== message };
	}
	if (plain === null)
		throw new BsdupError({
			code: 'E_LIST_ABSENT',
			message: `${dir} has neither ${SIGNED} nor ${PLAIN}`,
			state: STATE,
			next: [`fetch ${SIGNED} from the mirror into ${dir}`],
		});
	if (!allowUnsigned || key !== undefined)
		throw new BsdupError({
			code: 'E_LIST_UNSIGNED',
			message: `${dir} has ${PLAIN} but no ${SIGNED}: nothing proves where the list is from`,
			state: STATE,
			next: [`fetch ${SIGNED} from the mirror into ${dir}`, 'for a release older than signatures: --unsigned'],
		});
	return { file: PLAIN, key: null, hashes: parseList(plain), plainDiffers: false };
}

async function keyText(path: string, asked: boolean): Promise<string> {
	const text = await textOf(path);
	if (text !== null) return text;
	throw new BsdupError({
		code: 'E_KEY_UNKNOWN',
		message: asked ? `the key ${path} is not there` : `the list is signed with the key ${path}, which is not there`,
		state: STATE,
		next: ['--key FILE, with the key from a source you trust'],
		exit: asked ? EXIT.usage : EXIT.failed,
	});
}

async function textOf(path: string): Promise<string | null> {
	try {
		return await readFile(path, 'utf8');
	} catch (cause) {
		const { code, message } = cause as NodeJS.ErrnoException;
		if (code === 'ENOENT') return null;
		throw new BsdupError({ code: 'E_READ', message: `cannot read ${path}: ${message}`, state: STATE, next: [`ls -l ${path}`], cause });
	}
}
