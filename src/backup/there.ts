import { BsdupError, EXIT } from '../errors.ts';
import { quote } from '../transport/quote.ts';
import type { Transport } from '../transport/transport.ts';
import type { Backup } from './backups.ts';
import { prefixOf } from './member-guard.ts';
import { noGnuTar } from './no-gnu-tar.ts';
import type { Inspection, Place, Volume, Watch } from './place.ts';
import { shown } from './shown.ts';
import { BLOCK, parseHeader } from './tar-header.ts';
import { filesScript, findTarScript, HEAD_BYTES, hashScript, headsScript, membersScript, pathIn, type Tar } from './volume-scripts.ts';

/** Volumes may be large and disks slow. */
const LONG_MS = 24 * 3_600_000;
const { compare } = new Intl.Collator('en', { numeric: true });

/** The tar to use on a machine with volumes in its `dir`, or in none of its own: GNU tar where there is one. */
export async function findTar(transport: Transport, dir: string | null): Promise<Tar> {
	const program = (await transport.run(findTarScript(dir))).stdout.trim();
	return program === '' ? { program: 'tar', gnu: false } : { program, gnu: true };
}

/** A directory of a host, read by its own programs. See Place. */
export function there(transport: Transport, dir: string): Place {
	const name = transport.local ? dir : `${dir} on ${transport.name}`;
	const ask = async (script: string, watch: Watch = {}): Promise<string> => {
		const { code, stdout, stderr } = await transport.run(script, {
			timeoutMs: LONG_MS,
			encoding: 'latin1',
			...(watch.signal === undefined ? {} : { signal: watch.signal }),
		});
		if (code === 0) return stdout;
		throw new BsdupError({
			code: 'E_BACKUP_DIR',
			message: `${name} cannot be read: ${stderr.trim()}`,
			state: 'Nothing was written.',
			next: ['mount the disk with the volumes', `ls -l ${quote(dir)}`],
			exit: EXIT.usage,
		});
	};
	return {
		name,
		dir,
		walks: false,
		async files() {
			const found = new Map<string, number>();
			for (const line of (await ask(filesScript(dir))).split('\n')) {
				const [, bytes, file] = /^\s*(\d+) (.+)$/.exec(line) ?? [];
				if (file !== undefined) found.set(Buffer.from(file, 'latin1').toString('utf8'), Number(bytes));
			}
			return found;
		},
		async text(file) {
			const path = pathIn(dir, file);
			const told = await ask(`if [ -f ${path} ]; then printf x; cat ${path}; fi`);
			return told === '' ? null : Buffer.from(told.slice(1), 'latin1').toString('utf8');
		},
		async chains(files) {
			if (files.length === 0) return [];
			const sorted = [...files].sort(compare);
			const heads = Buffer.from(await ask(headsScript(dir, sorted)), 'latin1');
			const chains: string[][] = [];
			sorted.forEach((file, index) => {
				const head = heads.subarray(index * HEAD_BYTES, (index + 1) * HEAD_BYTES);
				const first = parseHeader(head.subarray(0, BLOCK));
				const second = first?.type === 'V' ? parseHeader(head.subarray(BLOCK)) : null;
				if (first === null) return;
				// Heads alone tell which volume is a first one; what follows it goes by its name, and tar proves it.
				const continues = first.type === 'M' || second?.type === 'M';
				const last = chains.at(-1);
				if (continues && last !== undefined) last.push(file);
				else chains.push([file]);
			});
			return chains;
		},
		async inspect(backup, watch = {}) {
			const volumes = await hashAll(dir, backup, await this.files(), ask, watch);
			return { volumes, ...(await members(transport, dir, backup, watch)) };
		},
	};
}

type Ask = (script: string, watch?: Watch) => Promise<string>;

async function hashAll(dir: string, backup: Backup, files: ReadonlyMap<string, number>, ask: Ask, watch: Watch): Promise<Volume[]> {
	const volumes: Volume[] = [];
	const total = backup.files.reduce((sum, file) => sum + (files.get(file) ?? 0), 0);
	let done = 0;
	for (const file of backup.files) {
		const bytes = files.get(file) ?? 0;
		const [sha256 = ''] = /\b[0-9a-f]{64}\b/.exec(await ask(hashScript(dir, file), watch)) ?? [];
		volumes.push({ file, bytes, sha256, head: 0 });
		done += bytes;
		watch.onBytes?.(done, total);
	}
	return volumes;
}

async function members(transport: Transport, dir: string, backup: Backup, watch: Watch): Promise<Omit<Inspection, 'volumes'>> {
	const tar = await findTar(transport, dir);
	if (backup.kind === 'gnu-multivolume' && !tar.gnu) throw noGnuTar(transport.name);
	const { stderr, stdout } = await transport.run(`exec 3>&1; { ${membersScript(tar, dir, backup)}; } 2>&1 >&3 | tail -n 20 >&2`, {
		timeoutMs: LONG_MS,
		encoding: 'latin1',
		...(watch.signal === undefined ? {} : { signal: watch.signal }),
	});
	const told = (word: string): string[] =>
		stdout.split('\n').flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
	const status = Number(told('status').at(-1) ?? '1');
	const says =
		stderr
			.trim()
			.split('\n')
			.filter((line) => !line.includes('possibly continued'))
			.at(-1) ?? '';
	return {
		fault: status === 0 ? null : { volume: backup.base, says: `tar cannot read it to its end: ${says}` },
		members: Number(told('members')[0] ?? '0'),
		prefix: prefixOf(told('first')[0] ?? ''),
		unsafe: told('unsafe').map((name) => `${shown(name)}: leads out by ..`),
	};
}
