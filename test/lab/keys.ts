import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';

/** Keys and signatures in signify's format, for the lab's lists: Ed25519, key number of eight bytes. */

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

function keyOf(number: string): { id: Buffer; privateKey: KeyObject } {
	const seed = createHash('sha256').update(`practice key ${number}`).digest();
	return {
		id: createHash('sha256').update(seed).digest().subarray(0, 8),
		privateKey: createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' }),
	};
}

/** The text of `openbsd-NN-base.pub` of the practice systems. */
export function publicKeyText(number: string): string {
	const { id, privateKey } = keyOf(number);
	const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
	return `untrusted comment: openbsd ${number} base public key\n${Buffer.concat([Buffer.from('Ed'), id, raw]).toString('base64')}\n`;
}

/** What `signify -Se` writes: two lines, then the message, as it is. */
export function signedList(number: string, message: string): string;
export function signedList(number: string, message: Buffer): Buffer;
export function signedList(number: string, message: string | Buffer): string | Buffer {
	const { id, privateKey } = keyOf(number);
	const signature = Buffer.concat([Buffer.from('Ed'), id, sign(null, Buffer.from(message as string), privateKey)]).toString('base64');
	const lines = `untrusted comment: verify with openbsd-${number}-base.pub\n${signature}\n`;
	return typeof message === 'string' ? `${lines}${message}` : Buffer.concat([Buffer.from(lines), message]);
}

/** What `signify -Sz` makes of a gzip file with a header of ten bytes: the signature in a comment, SHA512/256 of each block signed. */
export function signedGzip(number: string, gzip: Buffer): Buffer {
	const size = 65_536;
	const header = Buffer.from(gzip.subarray(0, 10));
	if (header[3] !== 0) throw new Error('the gzip file has more of a header');
	header[3] = 16;
	const body = gzip.subarray(10);
	const blocks = Array.from({ length: Math.ceil(body.length / size) }, (_, index) =>
		createHash('sha512-256')
			.update(body.subarray(index * size, (index + 1) * size))
			.digest('hex'),
	);
	const about = `date=2026-01-01T00:00:00Z\nkey=openbsd-${number}-base.sec\nalgorithm=SHA512/256\nblocksize=${size}\n\n`;
	return Buffer.concat([header, Buffer.from(`${signedList(number, `${about}${blocks.join('\n')}\n`)}\0`), body]);
}
