import { createPublicKey, verify } from 'node:crypto';
import { BsdupError } from '../errors.ts';

/**
 * signify(1) signatures with an embedded message (`signify -Se`): a comment line that names the key, a base64 line
 * (algorithm `Ed`, key number of 8 bytes, Ed25519 signature of 64), then the message.
 */

const COMMENT = 'untrusted comment: ';
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/** The name of the key in the first line (`verify with NAME`), which must match `pattern`. Throws E_SIGNATURE_FORMAT, E_KEY_NAME. */
export function keyNameOf(signed: string, pattern: string): string {
	const name = /^untrusted comment: verify with (\S+)$/.exec(signed.split('\n', 1)[0] ?? '')?.[1];
	if (name === undefined) throw format('its first line names no key');
	// The name becomes a path: it is held whole against the pattern, and never holds a slash whatever the pattern says.
	if (name.includes('/') || !new RegExp(`^(?:${pattern})$`).test(name))
		throw new BsdupError({
			code: 'E_KEY_NAME',
			message: `the list is signed with ${JSON.stringify(name)}, which is no name of a key for sets`,
			next: ['choose another --mirror'],
		});
	return name;
}

/** Verifies with the text of a public key file and returns the message. Throws E_SIGNATURE, E_SIGNATURE_FORMAT, E_KEY_FORMAT. */
export function openSigned(signed: string, publicKey: string): string {
	const [comment = '', encoded = '', ...rest] = signed.split('\n', 3);
	if (!comment.startsWith(COMMENT)) throw format('its first line is no comment');
	if (rest.length === 0) throw format('it ends before its second line does');
	const message = signed.slice(comment.length + encoded.length + 2);
	const signature = decode(encoded, 64, format);
	const [keyComment = '', encodedKey = ''] = publicKey.split('\n', 2);
	if (!keyComment.startsWith(COMMENT)) throw keyFormat('its first line is no comment');
	const key = decode(encodedKey, 32, keyFormat);
	const object = createPublicKey({ key: Buffer.concat([SPKI_ED25519, key.body]), format: 'der', type: 'spki' });
	if (!signature.number.equals(key.number)) throw wrong('it was made with another key');
	if (!verify(null, Buffer.from(message), object, signature.body)) throw wrong('it does not fit the list');
	return message;
}

function decode(line: string, length: number, error: (what: string) => BsdupError): { number: Buffer; body: Buffer } {
	const bytes = Buffer.from(line, 'base64');
	// Node decodes leniently and signify does not: only the one canonical spelling is taken.
	if (bytes.toString('base64') !== line || bytes.length !== 10 + length) throw error('its second line is not base64 of the right length');
	if (bytes.subarray(0, 2).toString('latin1') !== 'Ed') throw error('it is not Ed25519');
	return { number: bytes.subarray(2, 10), body: bytes.subarray(10) };
}

function keyFormat(what: string): BsdupError {
	return new BsdupError({ code: 'E_KEY_FORMAT', message: `the key cannot be used: ${what}`, next: ['give the right file with --key'] });
}

function format(what: string): BsdupError {
	return new BsdupError({
		code: 'E_SIGNATURE_FORMAT',
		message: `the signed list cannot be used: ${what}`,
		next: ['choose another --mirror'],
	});
}

function wrong(what: string): BsdupError {
	return new BsdupError({
		code: 'E_SIGNATURE',
		message: `the signature is wrong: ${what}`,
		next: ['do not use these files', 'choose another --mirror'],
	});
}
