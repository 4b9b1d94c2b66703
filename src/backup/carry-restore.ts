import { EXIT } from '../errors.ts';
import { progressOf } from '../report/events.ts';
import { type Followed, follow, RestoreLog } from './follow.ts';
import { joined } from './joined.ts';
import type { Inspection } from './place.ts';
import { restoreStopped } from './restore-errors.ts';
import type { RestoreRequest } from './restore-request.ts';
import { beginScript, fedScript, stopScript } from './restore-scripts.ts';

/** How long tar may take for all volumes. */
const LONG_MS = 24 * 3_600_000;
/** A disk with no more than this free, what was kept free for the last words among it, has filled up. */
const FULL_KIB = 128;

/** What reads the log of a restore of volumes of these `sizes`, `total` bytes in all, and tells how far it is. */
export function logOf({ emit, send }: RestoreRequest, sizes: ReadonlyMap<string, number>, total: number): RestoreLog {
	const began = Date.now();
	const onBytes = (done: number): void => {
		if (!send) emit(progressOf('restore', Math.min(done, total), total, began));
	};
	return new RestoreLog(sizes, onBytes, (line) => emit({ kind: 'log', id: 'restore', line }));
}

/** Has tar restore what was prepared on the host, to its end. Throws E_INTERRUPTED. */
export function carryRestore(request: RestoreRequest, inspection: Inspection, log: RestoreLog): Promise<Followed> {
	return attended(request, () => (request.send ? feed(request, inspection, log) : begin(request, log)));
}

/** Follows to its end a restore that runs there already. Throws E_INTERRUPTED. */
export function followRestore(request: RestoreRequest, log: RestoreLog): Promise<Followed> {
	return attended(request, () => follow(request.host, request.target, log, request.signal));
}

async function begin({ host, target, signal }: RestoreRequest, log: RestoreLog): Promise<Followed> {
	await host.run(beginScript(target), { signal });
	return follow(host, target, log, signal);
}

async function feed({ place, host, target, emit, signal }: RestoreRequest, inspection: Inspection, log: RestoreLog): Promise<Followed> {
	const began = Date.now();
	const source = joined(place.dir, inspection.volumes, (done, total) => emit(progressOf('restore', done, total, began)));
	const { code, stderr } = await host.feed(fedScript(target), source, { timeoutMs: LONG_MS, signal });
	const said = `${stderr.trimEnd()}\n`.replace(/^.*: Read checkpoint \d+\n/gm, '');
	if (said !== '\n') log.take(said);
	return { status: code, log };
}

/** Ctrl-C ends what runs on the host too, so that nothing writes there unseen; what is there stays. */
async function attended(request: RestoreRequest, work: () => Promise<Followed>): Promise<Followed> {
	try {
		return await work();
	} catch (error) {
		if (!request.signal.aborted) throw error;
		await request.host.connect();
		await request.host.run(stopScript(request.target));
		throw restoreStopped(request.target, 'interrupted', { code: 'E_INTERRUPTED', exit: EXIT.interrupted });
	}
}

/** Why tar did not restore all, and what to do about it. */
export function restoreFailed(target: string, { status, log }: Followed): Error {
	if (status === null) return restoreStopped(target, 'the restore was cut on the host', { code: 'E_RESTORE_CUT' });
	const tail = log.tail.filter((line) => line !== '').join('\n');
	const full = /No space left|quota exceeded|file system full/i.test(tail) || (log.free !== null && log.free <= FULL_KIB);
	const why = `tar ended with status ${status}${full ? ': the disk of the target is full' : ''}${tail === '' ? '' : `:\n${tail}`}`;
	const kept = /Operation not permitted/.test(tail)
		? ['chflags noschg,nouchg FILE   (of what it names, where its flags keep it as it is)']
		: [];
	return restoreStopped(target, why, { next: full ? ['make room there, or restore less'] : kept });
}
