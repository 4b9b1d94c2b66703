import { progressOf } from '../report/events.ts';
import { checkBackup, refuseBroken } from './check.ts';
import { noGnuTar } from './no-gnu-tar.ts';
import type { Inspection, Watch } from './place.ts';
import { isWithin, outermost, plainPath } from './plain-path.ts';
import { pathsAbsent } from './restore-errors.ts';
import type { RestoreRequest } from './restore-request.ts';
import type { RestoreJob } from './restore-scripts.ts';
import { smallFaults } from './small.ts';
import type { Member } from './tar-member.ts';
import { findTar } from './there.ts';
import { linkedIn, linksScript, listLine, memberWords, notFound } from './volume-scripts.ts';

/** How long tar may read all volumes for the lines of hard links. */
const LONG_MS = 24 * 3_600_000;

/**
 * Proves the volumes and the paths asked for, and finds the tar that restores them. Throws E_NO_GNU_TAR, E_BACKUP_*, E_RESTORE_PATH; nothing was
 * written then.
 */
export async function planRestore(request: RestoreRequest, id: string): Promise<{ job: RestoreJob; inspection: Inspection }> {
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
		onBytes: (done, total) => emit(progressOf('check', done, total, began)),
		onMember: (member) => seen(paths, missing, linked, member),
	};
	const inspection = refuseBroken(await checkBackup(place, backup, watch));
	const named = (some: Iterable<string>): string[] => [...some].map((path) => inspection.prefix + path);
	if (missing.size > 0 && !place.walks) {
		for (let rest = paths; rest.length > 0; ) {
			const some = outermost(rest);
			const words = memberWords(tar, named(some));
			const links = await host.run(linksScript(tar, place.dir, backup, words), { timeoutMs: LONG_MS, encoding: 'latin1', signal });
			const says =
				links.code === 0 ? '' : (await host.run(listLine(tar, place.dir, backup, 't', words), { timeoutMs: LONG_MS, signal })).stderr;
			const absent = notFound(says, some, named(some));
			if (links.code === 0 || absent.length > 0) for (const path of some) if (!absent.includes(path)) missing.delete(path);
			for (const link of linkedIn(tar, links.stdout)) if (!paths.some((path) => isWithin(link, path))) linked.add(link);
			rest = rest.filter((path) => !some.includes(path));
		}
	}
	if (missing.size > 0) throw pathsAbsent([...missing]);
	const members = named([...outermost(paths), ...linked]);
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
	const within = (name: string): string[] => paths.filter((path) => isWithin(name, path));
	const hits = within(nameOf(member.name));
	if (hits.length === 0) return;
	for (const path of hits) missing.delete(path);
	const link = nameOf(member.link);
	if (member.type === '1' && within(link).length === 0) linked.add(link);
}
