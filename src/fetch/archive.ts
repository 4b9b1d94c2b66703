import { open, stat } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { createTarDecoder, type ParsedTarEntry } from 'modern-tar';
import { type Member, memberLook } from './member-path.ts';

/** Names of archives of the kind sets are. */
export const ARCHIVE = /\.(tgz|txz|tar\.gz|tar\.xz)$/;

/** What is in an archive. */
export interface ArchiveLook {
	/** What speaks against unpacking it, in one clause; null = nothing. */
	fault: string | null;
	/** What could not be looked at, and why, in one clause; null = all was. */
	skipped: string | null;
	/** Members seen. */
	members: number;
}

const TYPES: Record<string, Member['type']> = {
	...{ file: 'file', directory: 'directory', symlink: 'symlink', link: 'link' },
	...{ 'character-device': 'device', 'block-device': 'device' },
};
/** How the xz reader ends on a check or filter that it does not know. */
const XZ_UNKNOWN = /error code 6$/;

/**
 * Reads an archive to its end, of gzip or xz as its first bytes tell: is it whole, and may its members be unpacked at the top of
 * a tree (member-path.ts)? Nothing is written, and memory does not grow with it. The first fault is told. Errors of the disk pass.
 */
export async function lookInside(path: string, tops: readonly string[] | null, signal?: AbortSignal): Promise<ArchiveLook> {
	const look: ArchiveLook = { fault: null, skipped: null, members: 0 };
	const { size } = await stat(path);
	if (size === 0) return { ...look, fault: 'it is empty' };
	const file = await open(path);
	// What reaches the reader of a broken pipe differs between releases of Node: the unpacker's own word counts.
	let torn: Error | undefined;
	try {
		const head = Buffer.alloc(6);
		await file.read(head, 0, head.length, 0);
		const packed = () => file.createReadStream({ start: 0, autoClose: false, ...(signal === undefined ? {} : { signal }) });
		if (head.subarray(0, 2).equals(Buffer.from('1f8b', 'hex'))) {
			const gunzip = createGunzip().once('error', (error) => {
				torn = error;
			});
			const unpacked = new PassThrough();
			const done = pipeline(packed(), gunzip, unpacked, ...(signal === undefined ? [] : [{ signal }]));
			// What breaks the pipe reaches the reader too, and is told there.
			done.catch(() => {});
			await readMembers(Readable.toWeb(unpacked) as ReadableStream<Uint8Array>, tops, look);
			// Node ends quietly before bytes that belong to no member of gzip.
			if (look.fault === null && gunzip.bytesWritten < size) look.fault = `${size - gunzip.bytesWritten} bytes follow its end`;
		} else if (head.equals(Buffer.from('fd377a585a00', 'hex'))) {
			// Only here: its WebAssembly costs 8 MiB, and most runs see no xz.
			const { default: xz } = await import('xz-decompress');
			await readMembers(new xz.XzReadableStream(Readable.toWeb(packed()) as ReadableStream<Uint8Array>), tops, look);
		} else look.fault = 'it does not unpack: it is neither gzip nor xz';
	} catch (error) {
		signal?.throwIfAborted();
		const { code, message, syscall } = (torn ?? error) as NodeJS.ErrnoException;
		if (syscall !== undefined) throw error;
		if (XZ_UNKNOWN.test(message)) look.skipped = 'its xz has a check that can only be seen with xz -t';
		else look.fault = code === 'Z_BUF_ERROR' || /truncated/.test(message) ? 'it is cut off' : `it does not unpack: ${message}`;
	} finally {
		await file.close();
	}
	return look;
}

/** Counts the members into `look`; all bytes are read even after a fault of a path, so that a torn archive is told as torn. */
async function readMembers(bytes: ReadableStream<Uint8Array>, tops: readonly string[] | null, look: ArchiveLook): Promise<void> {
	const speaks = memberLook(tops);
	let first: string | null = null;
	for await (const entry of bytes.pipeThrough(createTarDecoder({ strict: true })) as unknown as AsyncIterable<ParsedTarEntry>) {
		const { name, type = 'file', linkname = '' } = entry.header;
		look.members++;
		first ??= speaks({ name, type: TYPES[type] ?? 'other', target: linkname });
		await entry.body.cancel();
	}
	look.fault = look.members === 0 ? 'it holds nothing' : first;
}
