import { createHash, createHmac, randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BsdupError } from '../errors.ts';
import { makeDir } from '../make-dir.ts';
import { fitsPatterns } from './patterns.ts';
import { quote } from './quote.ts';

/** What known_hosts says of a key (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). `extra`: the host is known by other types only. */
export type KeyVerdict = 'known' | 'unknown' | 'extra';

/** How a key's type begins, and what the name of its file holds of it (sshd(8), FILES). */
const FILES = [
	['ssh-ed25519', 'ed25519'],
	['ecdsa-', 'ecdsa'],
	['ssh-rsa', 'rsa'],
	['ssh-dss', 'dsa'],
] as const;

interface Line {
	file: string;
	number: number;
	type: string;
	key: string;
	revoked: boolean;
}

/**
 * Judges `key` (the blob the host sent). `otherPort`: for a port of which nothing is known. Throws E_HOST_KEY_CHANGED for another key of
 * the same type, E_HOST_KEY_REVOKED.
 */
export function judgeHostKey(files: readonly string[], host: string, port: number, key: Buffer, otherPort = false): KeyVerdict {
	const names = port === 22 ? [host, `[${host}]:22`] : [`[${host}]:${port}`];
	const lines = files.flatMap((file) => linesFor(file, names));
	const type = keyType(key);
	const text = key.toString('base64');
	const revoked = lines.find((line) => line.revoked && line.key === text);
	if (revoked !== undefined) {
		// ssh-keygen -R leaves such a line where it is, and takes away the others of that host.
		const next = [
			'give the host another key, at its console',
			`only if it was revoked by mistake: take line ${revoked.number} out of ${revoked.file}`,
		];
		throw keyError('E_HOST_KEY_REVOKED', `${host} shows a key that ${revoked.file}:${revoked.number} revokes`, next);
	}
	const live = lines.filter((line) => !line.revoked);
	// A key that is known of the name alone is good for its other ports too (ssh(1)).
	if (live.length === 0 && port !== 22) return judgeHostKey(files, host, 22, key, true);
	if (live.some((line) => line.key === text)) return 'known';
	if (otherPort) return 'unknown';
	const same = live.find((line) => line.type === type);
	if (same !== undefined) {
		const next = [
			`compare its fingerprint at the console: ssh-keygen -lf /etc/ssh/ssh_host_${FILES.find(([start]) => type.startsWith(start))?.[1] ?? '*'}_key.pub`,
			`only if it is right: ssh-keygen -R ${quote(names[0] ?? host)} -f ${quote(same.file)}`,
		];
		throw keyError('E_HOST_KEY_CHANGED', `the ${type} key of ${host} is not the one in ${same.file}:${same.number}`, next);
	}
	return live.length > 0 ? 'extra' : 'unknown';
}

/** Key types known for a host, so that the client asks for one of those (F:D). */
export function knownTypes(files: readonly string[], host: string, port: number): string[] {
	const typesOf = (name: string): string[] =>
		files.flatMap((file) => linesFor(file, [name]).flatMap(({ revoked, type }) => (revoked ? [] : [type])));
	const types = port === 22 ? [] : typesOf(`[${host}]:${port}`);
	return [...new Set(types.length > 0 ? types : typesOf(host))];
}

/** Adds a key that a person trusts to a known_hosts file, made where it is missing; `hashed`: without its name in plain text. */
export function addHostKey(file: string, host: string, port: number, key: Buffer, hashed: boolean): void {
	const name = (port === 22 ? host : `[${host}]:${port}`).toLowerCase();
	const salt = randomBytes(20);
	const shown = hashed ? `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}` : name;
	makeDir(dirname(file), 0o700);
	const text = readOr(file, '');
	const gap = text === '' || text.endsWith('\n') ? '' : '\n';
	appendFileSync(file, `${gap}${shown} ${keyType(key)} ${key.toString('base64')}\n`, { mode: 0o600 });
}

/** `SHA256:…` as ssh-keygen -l prints it. */
export function fingerprint(key: Buffer): string {
	return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type named in a key blob. */
export function keyType(key: Buffer): string {
	return key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
}

function linesFor(file: string, names: readonly string[]): Line[] {
	return readOr(file, '')
		.split('\n')
		.flatMap((raw, index) => {
			const fields = raw.trim().split(/\s+/);
			const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined;
			const [hosts = '', type = '', key = ''] = fields;
			if (hosts === '' || hosts.startsWith('#') || marker === '@cert-authority') return [];
			return names.some((name) => matches(hosts, name)) ? [{ file, number: index + 1, type, key, revoked: marker === '@revoked' }] : [];
		});
}

function readOr(file: string, otherwise: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return otherwise;
	}
}

function matches(hosts: string, name: string): boolean {
	if (hosts.startsWith('|1|')) {
		const [, , salt = '', hash = ''] = hosts.split('|');
		return createHmac('sha1', Buffer.from(salt, 'base64')).update(name.toLowerCase()).digest('base64') === hash;
	}
	return fitsPatterns(hosts.split(','), name);
}

function keyError(code: string, message: string, next: string[]): BsdupError {
	const state = 'Not connected; somebody may sit between you and the host, or it was installed afresh.';
	return new BsdupError({ code, message, state, next });
}
