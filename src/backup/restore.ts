import { EXIT } from '../errors.ts';
import type { RunEvent } from '../report/events.ts';
import type { Transport } from '../transport/transport.ts';
import type { Backup } from './backups.ts';
import { checkBackup, refuseBroken } from './check.ts';
import { type Followed, follow, RestoreLog } from './follow.ts';
import { joined } from './joined.ts';
import { noGnuTar } from './no-gnu-tar.ts';
import type { Inspection, Place, Watch } from './place.ts';
import { plainPath } from './plain-path.ts';
import { pathsAbsent, restoreStopped, targetRefused, unconfirmed } from './restore-errors.ts';
import {
	beginScript,
	fedScript,
	finishScript,
	lookScript,
	overThere,
	prepareScript,
	type RestoreJob,
	restoreId,
	restoreLines,
	stateOf,
	stopScript,
} from './restore-scripts.ts';
import { smallFaults } from './small.ts';
import type { Member } from './tar-walk.ts';
import { findTar } from './there.ts';
import { linkedIn, linksScript, memberWords } from './volume-scripts.ts';

const LONG_MS = 24 * 3_600_000;
/** A disk with no more than this free, what was kept free for the last words among it, has filled up. */
const FULL_KIB = 128;

export interface RestoreRequest {
	/** Where the volumes lie. */
	place: Place;
	backup: Backup;
	/** The machine that gets the files. */
	host: Transport;
	/** The volumes lie on this machine, and are sent to the host. */
	send: boolean;
	/** Absolute path on the host. */
	target: string;
	/** Paths within the backup; none = all of it. */
	paths: readonly string[];
	emit: (event: RunEvent) => void;
	signal: AbortSignal;
	/** Asked once before the first byte is written. */
	confirm: (lines: string[]) => Promise<boolean>;
}

export interface Restored {
	base: string;
	host: string;
	target: string;
	/** Null where an earlier restore was only followed. */
	members: number | null;
	/** Bytes of the volumes. */
	bytes: number;
	/** It went on where an earlier one was cut, or followed one that still ran. */
	resumed: boolean;
}

/**
 * Restores: looks at the target, checks every byte of the backup, then has tar restore it on the host, detached, and follows.
 * Run again it goes on where it stood. Throws E_RESTORE_TARGET, E_RESTORE_PATH, E_NO_GNU_TAR, E_BACKUP_*, E_RESTORE (tar failed),
 * E_RESTORE_CUT, E_INTERRUPTED; of those up to E_BACKUP_* nothing was written.
 */
export async function restore(request: RestoreRequest): Promise<Restored> {
	const { place, backup, host, target, emit, signal } = request;
	const sizes = await place.files();
	const bytes = backup.files.reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0);
	const id = restoreId(backup, sizes, request.paths);
	const state = await look(request, id);
	const restored = { base: backup.base, host: host.name, target, bytes };
	let log = logOf(request, sizes, bytes);
	if (state === 'running' && !request.send) {
		emit({ kind: 'notice', text: `the restore begun before still runs on ${host.name}; it is followed` });
		emit({ kind: 'step', id: 'check', status: 'already' });
		emit({ kind: 'step', id: 'restore', status: 'running' });
		const before = await attended(request, () => follow(host, target, log, signal));
		if (before.status === 0) return { ...restored, members: null, resumed: await finish(request) };
		log = logOf(request, sizes, bytes);
	}
	const { job, inspection } = await plan(request, id);
	if (overThere(target) && !(await request.confirm(confirmLines(request)))) throw unconfirmed();
	emit({ kind: 'step', id: 'restore', status: 'running' });
	const prepared = await host.run(prepareScript(target, id, restoreLines(job)));
	if (prepared.code !== 0) throw targetRefused(target, host.name, 'failed', prepared.stderr.trim());
	const ended = await attended(request, () => (request.send ? feed(request, inspection, log) : begin(request, log)));
	if (ended.status !== 0) throw failed(target, ended);
	await finish(request);
	return { ...restored, members: inspection.members, resumed: state !== 'new' };
}

/** What would be done: the lines that run on the host, after the same checks. Writes nothing. */
export async function restorePlan(request: RestoreRequest): Promise<string[]> {
	const id = restoreId(request.backup, await request.place.files(), request.paths);
	await look(request, id);
	const { job } = await plan(request, id);
	return [...restoreLines(job), finishScript(request.target)];
}

async function look({ host, target }: RestoreRequest, id: string): Promise<string> {
	const { stdout, stderr } = await host.run(lookScript(target, id));
	const [word = '', ...detail] = stdout.trim().split(' ');
	if (['new', 'again', 'running'].includes(word)) return word;
	throw targetRefused(target, host.name, word, detail.join(' ') || stderr.trim());
}

async function plan(request: RestoreRequest, id: string): Promise<{ job: RestoreJob; inspection: Inspection }> {
	const { place, backup, host, send, target, emit, signal } = request;
	const tar = await findTar(host, send ? null : place.dir);
	if (backup.kind === 'gnu-multivolume' && !tar.gnu) throw noGnuTar(host.name);
	emit({ kind: 'step', id: 'check', status: 'running' });
	const paths = request.paths.map(plainPath).filter((path) => path !== '');
	const missing = new Set(paths);
	const linked = new Set<string>();
	const began = Date.now();
	const watch: Watch = {
		signal,
		onBytes: (done, total) => emit({ kind: 'progress', id: 'check', done, total, rate: rateOf(done, began) }),
		onMember: (member) => seen(paths, missing, linked, member),
	};
	const inspection = refuseBroken(await checkBackup(place, backup, watch));
	const named = (some: Iterable<string>): string[] => [...some].map((path) => inspection.prefix + path);
	if (missing.size > 0 && !place.walks) {
		const script = linksScript(tar, place.dir, backup, memberWords(tar, named(paths)));
		const links = await host.run(script, { timeoutMs: LONG_MS, encoding: 'latin1', signal });
		if (links.code === 0) missing.clear();
		for (const link of linkedIn(tar, links.stdout)) if (!paths.some((path) => isWithin(link, path))) linked.add(link);
	}
	if (missing.size > 0) throw pathsAbsent([...missing]);
	const members = named([...paths, ...linked]);
	for (const path of linked)
		emit({ kind: 'notice', text: `${path} comes too: it is the same file as one of the paths, and the archive has its data there` });
	const dir = send ? null : place.dir;
	const { small } = backup.record ?? {};
	// No reason to refuse the volumes, which are whole.
	if (place.walks && small)
		for (const { file, says, fix } of await smallFaults(place.dir, small.file, await place.files(), small.sha256))
			emit({ kind: 'notice', text: `warning: ${file}: ${says}; ${fix}` });
	emit({ kind: 'step', id: 'check', status: 'done', detail: `${inspection.volumes.length} volumes, ${inspection.members} members` });
	return { job: { id, tar, backup, dir, target, members, prefix: inspection.prefix }, inspection };
}

/** Which paths are there; `linked` takes the files that hold the data of hard links among them. */
function seen(paths: readonly string[], missing: Set<string>, linked: Set<string>, member: Member): void {
	if (paths.length === 0) return;
	const nameOf = (name: string): string => plainPath(Buffer.from(name, 'latin1').toString('utf8'));
	const within = (name: string): string | undefined => paths.find((path) => isWithin(name, path));
	const path = within(nameOf(member.name));
	if (path === undefined) return;
	missing.delete(path);
	const link = nameOf(member.link);
	if (member.type === '1' && within(link) === undefined) linked.add(link);
}

function isWithin(name: string, path: string): boolean {
	return name === path || name.startsWith(`${path}/`);
}

async function begin({ host, target, signal }: RestoreRequest, log: RestoreLog): Promise<Followed> {
	await host.run(beginScript(target), { signal });
	return follow(host, target, log, signal);
}

async function feed({ place, host, target, emit, signal }: RestoreRequest, inspection: Inspection, log: RestoreLog): Promise<Followed> {
	const began = Date.now();
	const source = joined(place.dir, inspection.volumes, (done, total) =>
		emit({ kind: 'progress', id: 'restore', done, total, rate: rateOf(done, began) }),
	);
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

function failed(target: string, { status, log }: Followed): Error {
	if (status === null) return restoreStopped(target, 'the restore was cut on the host', { code: 'E_RESTORE_CUT' });
	const tail = log.tail.filter((line) => line !== '').join('\n');
	const full = /No space left|quota exceeded|file system full/i.test(tail) || (log.free !== null && log.free <= FULL_KIB);
	const why = `tar ended with status ${status}${full ? ': the disk of the target is full' : ''}${tail === '' ? '' : `:\n${tail}`}`;
	const kept = /Operation not permitted/.test(tail)
		? ['chflags noschg,nouchg FILE   (of what it names, where its flags keep it as it is)']
		: [];
	return restoreStopped(target, why, { next: full ? ['make room there, or restore less'] : kept });
}

async function finish({ host, target, emit }: RestoreRequest): Promise<true> {
	const { code, stderr } = await host.run(finishScript(target));
	if (code !== 0) emit({ kind: 'notice', text: `warning: what the restore kept of itself stays in ${stateOf(target)}: ${stderr.trim()}` });
	emit({ kind: 'step', id: 'restore', status: 'done' });
	return true;
}

function confirmLines({ host, backup, paths }: RestoreRequest): string[] {
	const what = paths.length === 0 ? 'everything' : paths.join(' ');
	const of = backup.record === null ? backup.base : `${backup.base}, of ${backup.record.host}, made ${backup.record.made}`;
	return [
		`This writes ${what} of the backup ${of}`,
		`over what is at / on ${host.name}. Files that are not in the backup stay.`,
		...(paths.length === 0
			? ['If it has other disks now, keep its /etc/fstab and put it back before a reboot: the old one names those of then.']
			: []),
	];
}

function logOf({ emit, send }: RestoreRequest, sizes: ReadonlyMap<string, number>, total: number): RestoreLog {
	const began = Date.now();
	const onBytes = (done: number): void => {
		if (!send) emit({ kind: 'progress', id: 'restore', done: Math.min(done, total), total, rate: rateOf(done, began) });
	};
	return new RestoreLog(sizes, onBytes, (line) => emit({ kind: 'log', id: 'restore', line }));
}

function rateOf(done: number, began: number): number {
	return done / Math.max(1, (Date.now() - began) / 1000);
}
