import { resolve } from 'node:path';
import { type Backup, findBackup } from '../backup/backups.ts';
import { here } from '../backup/here.ts';
import { listHere, listThere, memberLine } from '../backup/list-members.ts';
import type { Place } from '../backup/place.ts';
import { plainPath } from '../backup/plain-path.ts';
import { restore, restorePlan } from '../backup/restore.ts';
import type { Restored } from '../backup/restore-request.ts';
import { shown } from '../backup/shown.ts';
import { there } from '../backup/there.ts';
import { BsdupError, EXIT } from '../errors.ts';
import type { HostFlags } from '../journal/state.ts';
import { chooseRenderer } from '../report/choose.ts';
import type { RunEvent } from '../report/events.ts';
import { formatBytes } from '../report/progress.ts';
import type { Transport } from '../transport/transport.ts';
import { ask, openHost } from './open-host.ts';
import { withStopSignal } from './stop-signal.ts';

/** What oclif parsed. */
export interface RestoreFlags extends HostFlags {
	list: boolean;
	to?: string | undefined;
	base?: string | undefined;
	volume?: string[] | undefined;
	host?: string | undefined;
	send: boolean;
	'dry-run': boolean;
	yes: boolean;
}

const STEPS = [
	{ id: 'check', title: 'Check every volume: hashes, chain, members' },
	{ id: 'restore', title: 'Restore the files' },
];

/** Lists or restores as the flags say; `say` prints a line. Returns what --json shows, and the exit status. Throws E_USAGE and all of restore(). */
export async function runRestore(
	dir: string,
	paths: readonly string[],
	flags: RestoreFlags,
	json: boolean,
	say: (line: string) => void,
): Promise<unknown> {
	checkFlags(flags);
	const host = await openHost(flags.host, flags);
	try {
		const onHost = flags.host !== undefined && !flags.send;
		const place = onHost ? there(host, absolute(dir)) : here(resolve(dir));
		const backup = await findBackup(place, flags.base, flags.volume);
		if (flags.list) return await list(place, backup, onHost ? host : null, paths, json, say);
		return await carry(place, backup, host, paths, flags, json, say);
	} finally {
		await host.close();
	}
}

async function list(
	place: Place,
	backup: Backup,
	host: Transport | null,
	paths: readonly string[],
	json: boolean,
	say: (line: string) => void,
): Promise<unknown> {
	const members: unknown[] = [];
	const { base, kind, files } = backup;
	if (host !== null) await listThere(host, place.dir, backup, paths, (line) => (json ? members.push(line) : say(line)));
	else
		await listHere(place.dir, backup, paths, (member) => {
			if (json) members.push({ ...member, name: shown(member.name), link: shown(member.link) });
			else say(memberLine(member));
		});
	return { base, kind, volumes: files, members };
}

async function carry(
	place: Place,
	backup: Backup,
	host: Transport,
	paths: readonly string[],
	flags: RestoreFlags,
	json: boolean,
	say: (line: string) => void,
): Promise<unknown> {
	const target = host.local ? resolve(flags.to ?? '') : absolute(flags.to ?? '');
	const { columns = 80, rows = 0 } = process.stdout;
	const quiet = flags['dry-run'];
	const renderer = quiet ? undefined : chooseRenderer({ json, stdout: process.stdout, rows, columns, steps: STEPS.length });
	const emit = (event: RunEvent): void => renderer?.event(event);
	const title = `Restore ${backup.base} from ${place.name} to ${target} on ${host.name}`;
	const common = { place, backup, host, send: flags.send, target, paths, emit };
	return withStopSignal(async (signal) => {
		const confirm = async (lines: string[]): Promise<boolean> => {
			for (const text of lines) emit({ kind: 'notice', text });
			return flags.yes || (await ask('Go on? Type yes: ', signal)) === 'yes';
		};
		const request = { ...common, confirm, signal };
		try {
			if (quiet) {
				const lines = await restorePlan(request);
				say(`${title}. The volumes are whole. It would run there:`);
				for (const line of lines) say(`  ${line.replaceAll('\n', '\n  ')}`);
				return { base: backup.base, target, commands: lines };
			}
			emit({ kind: 'plan', run: 'restore', host: host.name, title, steps: STEPS });
			const done = await restore(request);
			emit({ kind: 'end', status: 'done', lines: [summary(done, paths)] });
			return undefined;
		} catch (error) {
			emit({ kind: 'end', status: 'failed', lines: [] });
			throw !signal.aborted || error instanceof BsdupError ? error : interrupted();
		}
	}).finally(() => renderer?.close());
}

function interrupted(): BsdupError {
	return new BsdupError({
		code: 'E_INTERRUPTED',
		message: 'interrupted while the volumes were checked',
		state: 'Nothing was written.',
		next: ['the same command again'],
		exit: EXIT.interrupted,
	});
}

function summary({ base, host, target, members, bytes }: Restored, paths: readonly string[]): string {
	const some = paths.filter((path) => plainPath(path) !== '');
	if (some.length > 0) return `${some.join(' ')} of ${base} ${some.length === 1 ? 'is' : 'are'} in ${target} on ${host}.`;
	return `${base} (${formatBytes(bytes)}${members === null ? '' : `, ${members} members`}) is in ${target} on ${host}.`;
}

function checkFlags(flags: RestoreFlags): void {
	if (!flags.list && flags.to === undefined)
		throw usage('restore whereto?', ['--to DIR, a new or empty directory', '--to /, in place', '--list']);
	if (flags.send && flags.host === undefined) throw usage('--send needs the host to send to', ['--host root@db1']);
	if (flags.to === '/' && !flags.yes && !flags['dry-run'] && !process.stdin.isTTY)
		throw new BsdupError({
			code: 'E_NO_TERMINAL',
			message: 'there is no terminal to confirm at that / is written over',
			state: 'Nothing was written.',
			next: ['--yes confirms in advance', '--dry-run shows what would be done', '--to DIR restores beside it'],
			exit: EXIT.usage,
		});
}

function absolute(path: string): string {
	if (path.startsWith('/')) return path.length > 1 ? path.replace(/\/+$/, '') : path;
	throw usage(`${JSON.stringify(path)} is no absolute path on the host`, ['/mnt']);
}

function usage(message: string, next: string[]): BsdupError {
	return new BsdupError({ code: 'E_USAGE', message, state: 'Nothing was written.', next, exit: EXIT.usage });
}
