import { createPublicKey, verify } from 'node:crypto';
import { BsdupError } from '../errors.ts';
import { parseSignify } from './signify-file.ts';

/** signify(1) signatures with an embedded message (`signify -Se`): two lines (signify-file.ts), then the message. */

const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');
/** Bytes of a comment that signify refuses as too long, and of a key file that it reads. */
const COMMENT_MAX = 1024;
const KEY_FILE_READ = 2047;
/** Bytes that are shown of what is no signature. */
const SHOWN = 60;
const LOOK = 'look at it: some mirrors, and networks that want a login first, answer everything with a page';

/**
 * The name of the key in the first line (`verify with NAME`), which must match `pattern`. Old ones tell it with the directory of keys, or
 * tell the words in the secret key's file alone (`signature from …`, signify.c of 2014): that is then `unnamed`, by whoever knows it.
 * Throws E_SIGNATURE_FORMAT, E_KEY_NAME.
 */
export function keyNameOf(signed: Buffer, pattern: string, unnamed?: string): string {
	const line = signed.subarray(0, Math.max(0, signed.indexOf('\n'))).toString('latin1');
	const from = /^untrusted comment: signature from .+$/.test(line);
	const name = from ? unnamed : /^untrusted comment: verify with (?:\/etc\/signify\/)?(\S+)$/.exec(line)?.[1];
	if (from && name === undefined)
		throw new BsdupError({
			code: 'E_SIGNATURE_FORMAT',
			message: `the signature cannot be used: ${JSON.stringify(line.slice(0, SHOWN))} does not tell the name of its key`,
			next: ['--key FILE, with the key of that release from a source you trust'],
		});
	if (name === undefined)
		throw format(`it begins with ${JSON.stringify(signed.toString('latin1', 0, SHOWN))}, not with the name of a key`, LOOK);
	// The name becomes a path: it is held whole against the pattern, and never holds a slash whatever the pattern says.
	if (name.includes('/') || !new RegExp(`^(?:${pattern})$`).test(name))
		throw new BsdupError({
			code: 'E_KEY_NAME',
			message: `the list is signed with ${JSON.stringify(name)}, which is no name of a key for sets`,
			next: ['choose another --mirror'],
		});
	return name;
}

/**
 * Verifies with a public key file and returns the message. It takes and refuses what signify does.
 * Throws E_SIGNATURE, E_SIGNATURE_FORMAT, E_KEY_FORMAT.
 */
export function openSigned(signed: Buffer, publicKey: Buffer): Buffer {
	const signature = parseSignify(signed, 64);
	if (typeof signature === 'string') throw format(signature);
	if (signature.comment.length >= COMMENT_MAX) throw format('its comment is too long');
	const key = parseSignify(publicKey.subarray(0, KEY_FILE_READ), 32);
	if (typeof key === 'string')
		throw new BsdupError({ code: 'E_KEY_FORMAT', message: `the key cannot be used: ${key}`, next: ['give the right file with --key'] });
	if (!signature.number.equals(key.number)) throw wrong('it was made with another key');
	const object = createPublicKey({ key: Buffer.concat([SPKI_ED25519, key.body]), format: 'der', type: 'spki' });
	if (!verify(null, signature.rest, object, signature.body)) throw wrong('it does not fit what it signs');
	return signature.rest;
}

/** The message, not verified: only to show what would come. Throws E_SIGNATURE_FORMAT. */
export function unverifiedMessage(signed: Buffer): Buffer {
	const signature = parseSignify(signed, 64);
	if (typeof signature === 'string') throw format(signature);
	return signature.rest;
}

function format(what: string, ...also: string[]): BsdupError {
	return new BsdupError({
		code: 'E_SIGNATURE_FORMAT',
		message: `the signature cannot be used: ${what}`,
		next: [...also, 'choose another --mirror'],
	});
}

function wrong(what: string): BsdupError {
	return new BsdupError({
		code: 'E_SIGNATURE',
		message: `the signature is wrong: ${what}`,
		next: ['do not use these files', 'choose another --mirror'],
	});
}
