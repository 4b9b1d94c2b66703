import { createHash } from 'node:crypto';
import { BsdupError } from '../errors.ts';
import { keyNameOf, openSigned } from './signify.ts';

/** Flags of a gzip header (RFC 1952) that a signed archive may have: a name, and the comment that holds the signature. */
const FNAME = 8;
const FCOMMENT = 16;
const HEADER = 10;
const BLOCK = 65_536;
/** Lines before the hashes, as signify writes them. */
const ABOUT = /^(?:date=|key=|algorithm=SHA512\/256$|blocksize=(\d+)$)/;

/**
 * Verifies a gzip file signed by `signify -Sz`: the header's comment holds a signature and, signed by it, SHA512/256 of each block of
 * what follows the header. `pattern`: names of keys that may sign; `keyOf`: the key file by its name. Returns the archive with
 * a plain header, and the name of the key. Throws E_SIGNATURE, E_SIGNATURE_FORMAT, E_KEY_NAME, E_KEY_FORMAT, and what `keyOf` throws.
 */
export function openSignedGzip(bytes: Buffer, pattern: string, keyOf: (name: string) => Buffer): { gzip: Buffer; key: string } {
	const flags = bytes[3] ?? 0;
	if (bytes.length < HEADER || bytes.readUInt16BE(0) !== 0x1f8b || bytes[2] !== 8) throw format('it is no gzip file');
	if ((flags & FCOMMENT) === 0 || (flags & ~(FNAME | FCOMMENT)) !== 0) throw format('its header holds no signature');
	const start = (flags & FNAME) === 0 ? HEADER : endOf(bytes, HEADER) + 1;
	const end = endOf(bytes, start);
	const signed = bytes.subarray(start, end);
	const key = keyNameOf(signed, pattern);
	const body = bytes.subarray(end + 1);
	proveBlocks(openSigned(signed, keyOf(key)).toString('latin1'), body);
	const plain = Buffer.from(bytes.subarray(0, HEADER));
	plain[3] = 0;
	return { gzip: Buffer.concat([plain, body]), key };
}

function proveBlocks(message: string, body: Buffer): void {
	const gap = message.indexOf('\n\n');
	const about = message.slice(0, gap).split('\n');
	if (gap < 0 || !about.every((line) => ABOUT.test(line))) throw format('what it signs is no list of blocks');
	const size = Number(about.map((line) => ABOUT.exec(line)?.[1]).find((digits) => digits !== undefined) ?? BLOCK);
	const hashes = message.slice(gap + 2).split('\n');
	// A body of a whole number of blocks is taken here; signify 31 refuses it even from its own hand, so then the host's step says so.
	if (size < 1 || hashes.pop() !== '' || hashes.length !== Math.ceil(body.length / size)) throw wrong();
	hashes.forEach((hash, index) => {
		const block = body.subarray(index * size, (index + 1) * size);
		if (createHash('sha512-256').update(block).digest('hex') !== hash) throw wrong();
	});
}

function endOf(bytes: Buffer, from: number): number {
	const end = bytes.indexOf(0, from);
	if (end < 0) throw format('its header has no end');
	return end;
}

function format(what: string): BsdupError {
	return new BsdupError({
		code: 'E_SIGNATURE_FORMAT',
		message: `the signed archive cannot be used: ${what}`,
		next: ['try another --mirror'],
	});
}

function wrong(): BsdupError {
	return new BsdupError({
		code: 'E_SIGNATURE',
		message: 'the signature is wrong: it does not fit the archive',
		next: ['do not use this file', 'try another --mirror'],
	});
}
