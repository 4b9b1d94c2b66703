import type { Duplex } from 'node:stream';
import type { Offer } from './algorithms.ts';

const KEXINIT = 20;
const HEADER_BYTES = 5;
const COOKIE_BYTES = 16;
/** A banner and one packet are never longer (RFC 4253, 4.2 and 6.1). */
const LIMIT_BYTES = 70_000;

/**
 * Listens to the beginning of an SSH connection and returns a function that tells what the server offers, once it has said
 * so: its first packet is not encrypted (RFC 4253, 7.1). To be called before anything else reads from `stream`.
 */
export function overhearOffer(stream: Duplex): () => Offer | undefined {
	let heard = Buffer.alloc(0);
	const listen = (bytes: Buffer): void => {
		heard = Buffer.concat([heard, bytes]);
		if (heard.length > LIMIT_BYTES || readOffer(heard) !== undefined) stream.off('data', listen);
	};
	stream.on('data', listen);
	stream.pause();
	return () => readOffer(heard);
}

function readOffer(bytes: Buffer): Offer | undefined {
	const ident = /(?:^|\n)SSH-[^\n]*\n/.exec(bytes.toString('latin1'));
	if (ident === null) return undefined;
	const packet = bytes.subarray(ident.index + ident[0].length);
	if (packet.length < HEADER_BYTES + 1 || packet.length < 4 + packet.readUInt32BE(0) || packet[HEADER_BYTES] !== KEXINIT) return undefined;
	let at = HEADER_BYTES + 1 + COOKIE_BYTES;
	const list = (): string[] => {
		const end = at + 4 + packet.readUInt32BE(at);
		const names = packet.subarray(at + 4, end).toString('latin1');
		at = end;
		return names.split(',').filter(Boolean);
	};
	const [kex = [], serverHostKey = [], cipher = [], , hmac = []] = [list(), list(), list(), list(), list()];
	return { kex, serverHostKey, cipher, hmac };
}
