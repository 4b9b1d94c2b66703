import { carryRestore, followRestore, logOf, restoreFailed } from './carry-restore.ts';
import { planRestore } from './plan-restore.ts';
import { targetRefused, unconfirmed } from './restore-errors.ts';
import type { Restored, RestoreRequest } from './restore-request.ts';
import { finishScript, lookScript, overThere, prepareScript, restoreId, restoreLines, stateOf } from './restore-scripts.ts';

/**
 * Restores: looks at the target, checks every byte of the backup, then has tar restore it on the host, detached, and follows.
 * Run again it goes on where it stood. Throws E_RESTORE_TARGET, E_RESTORE_PATH, E_NO_GNU_TAR, E_BACKUP_*, E_RESTORE (tar failed),
 * E_RESTORE_CUT, E_INTERRUPTED; of those up to E_BACKUP_* nothing was written.
 */
export async function restore(request: RestoreRequest): Promise<Restored> {
	const { place, backup, host, target, emit } = request;
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
		const before = await followRestore(request, log);
		if (before.status === 0) return { ...restored, members: null, resumed: await finish(request) };
		log = logOf(request, sizes, bytes);
	}
	const { job, inspection } = await planRestore(request, id);
	if (overThere(target) && !(await request.confirm(confirmLines(request)))) throw unconfirmed();
	emit({ kind: 'step', id: 'restore', status: 'running' });
	const prepared = await host.run(prepareScript(target, id, restoreLines(job)));
	if (prepared.code !== 0) throw targetRefused(target, host.name, 'failed', prepared.stderr.trim());
	const ended = await carryRestore(request, inspection, log);
	if (ended.status !== 0) throw restoreFailed(target, ended);
	await finish(request);
	return { ...restored, members: inspection.members, resumed: state !== 'new' };
}

/** What would be done: the lines that run on the host, after the same checks. Writes nothing. */
export async function restorePlan(request: RestoreRequest): Promise<string[]> {
	const id = restoreId(request.backup, await request.place.files(), request.paths);
	await look(request, id);
	const { job } = await planRestore(request, id);
	return [...restoreLines(job), finishScript(request.target)];
}

async function look({ host, target }: RestoreRequest, id: string): Promise<string> {
	const { stdout, stderr } = await host.run(lookScript(target, id));
	const [word = '', ...detail] = stdout.trim().split(' ');
	if (['new', 'again', 'running'].includes(word)) return word;
	throw targetRefused(target, host.name, word, detail.join(' ') || stderr.trim());
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
