import { BsdupError } from '../errors.ts';
import type { Transport } from '../transport/transport.ts';
import type { Backup } from './backups.ts';
import { volumesMissing } from './check.ts';
import { readMembers } from './here.ts';
import { prefixOf } from './member-guard.ts';
import { noGnuTar } from './no-gnu-tar.ts';
import { isWithin, outermost, plainPath } from './plain-path.ts';
import { pathsAbsent } from './restore-errors.ts';
import { shown } from './shown.ts';
import type { Member } from './tar-member.ts';
import { findTar, there } from './there.ts';
import { listLine, memberWords, notFound } from './volume-scripts.ts';

const LONG_MS = 24 * 3_600_000;
const LETTERS: Record<string, string> = { '1': 'h', '2': 'l', '3': 'c', '4': 'b', '5': 'd', '6': 'p' };

/** A member as `ls -l` shows it: type and mode, owner, bytes, time (UTC), name; odd characters of names escaped. */
export function memberLine({ type, mode, user, uid, group, gid, size, mtime, name, link }: Member): string {
	const owner = `${user || uid}/${group || gid}`;
	const date = new Date(mtime * 1000);
	// A clock that was far off has left times of which there is no date here.
	const when = Number.isNaN(date.getTime()) ? `@${mtime}` : date.toISOString().replace(/T(.*):\d\d\.\d+Z$/, ' $1');
	const to = type === '2' ? ` -> ${shown(link)}` : type === '1' ? ` link to ${shown(link)}` : '';
	return `${LETTERS[type] ?? '-'}${modeText(mode)} ${owner.padEnd(12)} ${String(size).padStart(10)} ${when} ${shown(name)}${to}`;
}

/**
 * Lists the members of a backup of this machine, those at or below `paths`. Hashes are not looked at. Throws E_RESTORE_PATH,
 * E_BACKUP_READ, and E_BACKUP_BROKEN at a volume that is missing.
 */
export async function listHere(dir: string, backup: Backup, paths: readonly string[], onMember: (member: Member) => void): Promise<void> {
	const wanted = paths.map(plainPath).filter((path) => path !== '');
	const missing = new Set(wanted);
	const { fault } = await readMembers(dir, backup, {
		onMember: (member) => {
			const name = plainPath(Buffer.from(member.name, 'latin1').toString('utf8'));
			const hit = wanted.filter((path) => isWithin(name, path));
			for (const path of hit) missing.delete(path);
			if (wanted.length === 0 || hit.length > 0) onMember(member);
		},
	});
	if (fault !== null) throw unlisted(`${fault.volume}: ${fault.says}`);
	if (missing.size > 0) throw pathsAbsent([...missing]);
}

/**
 * The same of volumes on a host, in the words of its tar; a line each to `onLine`. Nothing is listed where one is missing. Throws
 * E_NO_GNU_TAR, E_RESTORE_PATH, E_BACKUP_LIST, E_BACKUP_BROKEN.
 */
export async function listThere(
	host: Transport,
	dir: string,
	backup: Backup,
	paths: readonly string[],
	onLine: (line: string) => void,
): Promise<void> {
	const files = await there(host, dir).files();
	const missing = backup.files.filter((file) => !files.has(file));
	if (missing.length > 0) throw volumesMissing(missing);
	const tar = await findTar(host, dir);
	if (backup.kind === 'gnu-multivolume' && !tar.gnu) throw noGnuTar(host.name);
	let rest = '';
	const onStdout = (text: string): void => {
		const lines = (rest + text).split('\n');
		rest = lines.pop() ?? '';
		for (const line of lines) onLine(line);
	};
	const wanted = outermost(paths.map(plainPath).filter((path) => path !== ''));
	// The names of an archive of the whole root begin with ./
	const first = wanted.length === 0 ? '' : (await host.run(`${listLine(tar, dir, backup, 't')} 2>/dev/null | sed q`)).stdout;
	const members = wanted.map((path) => prefixOf(first) + path);
	const { code, stderr } = await host.run(listLine(tar, dir, backup, 'tv', memberWords(tar, members)), { timeoutMs: LONG_MS, onStdout });
	const absent = code === 0 ? [] : notFound(stderr, wanted, members);
	if (absent.length > 0) throw pathsAbsent(absent);
	if (code !== 0) throw unlisted(stderr.trim().split('\n').slice(-3).join('\n'));
}

function unlisted(why: string): BsdupError {
	return new BsdupError({
		code: 'E_BACKUP_LIST',
		message: `the backup cannot be listed to its end: ${why}`,
		state: 'Nothing was written.',
		next: ['bsdup restore DIR --to DIR --dry-run tells what is wrong with it'],
	});
}

function modeText(mode: number): string {
	const bits = [...'rwxrwxrwx'].map((letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'));
	for (const [at, bit, letter] of [
		[2, 0o4000, 's'],
		[5, 0o2000, 's'],
		[8, 0o1000, 't'],
	] as const)
		if ((mode & bit) !== 0) bits[at] = bits[at] === 'x' ? letter : letter.toUpperCase();
	return bits.join('');
}
