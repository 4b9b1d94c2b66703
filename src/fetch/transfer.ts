import { type FileJob, mismatch, type Transfer } from './file-job.ts';
import { PieceWriter } from './piece-writer.ts';
import { type Opened, openRange } from './source.ts';
import type { Throttle } from './throttle.ts';
import { type Patience, pour } from './watch.ts';

/** The source has no ranges and others have: it is not asked any more while they are there. Nobody's failure. */
export class NoRanges extends Error {}
/** The file changed on the mirror between two requests, or it is another one than told. */
export class Changed extends Error {}

/** What all transfers of a download share. */
export interface TransferContext {
	patience: Patience;
	throttle: Throttle;
	signal: AbortSignal;
	/** A piece came. */
	onPiece(): void;
}

/**
 * Fetches the stretch of one transfer into the part. Ends when it is there, or was taken over by others. Throws NoRanges, Changed,
 * E_NOT_FOUND, E_HASH_MISMATCH (the mirror has a file of another size), E_WRITE, and plain errors where the transfer broke.
 */
export async function transfer(job: FileJob, one: Transfer, context: TransferContext): Promise<void> {
	const { source, control } = one;
	const signal = AbortSignal.any([context.signal, control.signal]);
	const asked = one.end;
	const { stallMs } = context.patience;
	const end = asked === Number.POSITIVE_INFINITY || (one.at === 0 && asked === job.size) ? {} : { end: asked };
	const opened = await openRange(source.url, { start: one.at, stallMs, signal, ...end });
	try {
		await settle(job, one, opened);
	} catch (error) {
		opened.stream.destroy();
		throw error;
	}
	await write(job, one, opened, { ...context, signal }, asked);
	if (one.end === Number.POSITIVE_INFINITY) {
		if (opened.size !== null && opened.size !== one.at) throw new Error(`it broke off after ${one.at} of ${opened.size} bytes`);
		job.size = one.end = one.at;
	}
	if (one.at < one.end) throw new Error(`it broke off at byte ${one.at} of ${job.size ?? one.end}`);
}

/** Holds what the source answered against what is known of the file. */
async function settle(job: FileJob, one: Transfer, { size, offset, ranged, validator, page }: Opened): Promise<void> {
	const { source } = one;
	if (size !== null && job.size !== null && size !== job.size)
		throw mismatch(source.url, job.file, `${page ? 'an HTML page of ' : ''}${size} bytes came instead of ${job.size}`);
	job.size ??= size;
	if (!ranged) {
		source.whole = true;
		if (job.ranged() || job.transfers.size > 1) throw new NoRanges('it has no ranges');
	}
	if (!source.whole && source.validator !== null && validator !== null && source.validator !== validator)
		throw new Changed('the file changed on the mirror');
	source.validator = validator;
	if (offset !== one.at || source.whole) {
		// One stream from the start: what others fetched before is fetched again anyway, and then the whole is of one source.
		one.at = one.from = 0;
		if (job.part.have.total > 0) {
			job.hash.restart();
			await job.part.discard();
			job.givers.clear();
			job.resumed = false;
		}
		one.end = job.size ?? Number.POSITIVE_INFINITY;
	}
	if (one.end === Number.POSITIVE_INFINITY && job.size !== null) one.end = job.size;
}

/** Lays what comes into the part. */
async function write(job: FileJob, one: Transfer, opened: Opened, context: TransferContext, asked: number): Promise<void> {
	const writer = new PieceWriter(job, one.at);
	try {
		await pour(opened.stream, context.patience, (all) => {
			const piece = all.length > one.end - one.at ? all.subarray(0, Math.max(0, one.end - one.at)) : all;
			job.hash.came(one.at, piece);
			one.at += piece.length;
			job.givers.add(one.source);
			context.onPiece();
			const held = [writer.put(piece), context.throttle.take(piece.length, context.signal)].filter((wait) => wait !== null);
			// A request for exactly this much ends by itself, and the connection is of use then.
			const more = one.at < one.end || (one.end === asked && opened.ranged && all.length === piece.length);
			return held.length === 0 ? more : Promise.all(held).then(() => more);
		});
	} finally {
		await writer.end();
	}
}
