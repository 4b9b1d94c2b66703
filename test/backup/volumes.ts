import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** GNU tar on this machine, or null. */
export const GNU_TAR = spawnSync('tar', ['--version'], { encoding: 'utf8' }).stdout?.includes('GNU tar') === true ? 'tar' : null;

/** Bytes that no packer makes smaller, the same for the same seed. */
export function noise(seed: string, bytes: number): Buffer {
	const pieces = Array.from({ length: Math.ceil(bytes / 64) }, (_, n) => createHash('sha512').update(`${seed}${n}`).digest());
	return Buffer.concat(pieces).subarray(0, bytes);
}

const VOLUME_SCRIPT = [
	'case $TAR_VOLUME in ""|*[!0-9]*) exit 1 ;; esac',
	'[ "$TAR_VOLUME" -le 999 ] || exit 1',
	'next=${TAR_ARCHIVE%.*}.$TAR_VOLUME',
	'case $TAR_SUBCOMMAND in -c) ;; *) [ -f "$next" ] || exit 1 ;; esac',
	'eval "printf %s \\"\\$next\\" >&$TAR_FD"',
	'',
].join('\n');

/** Everything a tree can hold that a backup must bring back: below `top`, a folder `data`. */
export function makeTree(top: string): void {
	const at = (...names: string[]): string => join(top, 'data', ...names);
	mkdirSync(at('empty'), { recursive: true });
	mkdirSync(at('deep'));
	writeFileSync(at('big'), noise('big', 400_000));
	for (const name of ['with space', 'line\nfeed', 'ünïcödé ✓', '-dash', "quote's $(id)", 'back\\slash', 'star*[x]?', 'many ', 'empty\r'])
		writeFileSync(at(name), `${name}\n`);
	sh(
		`cd '${at()}'
		truncate -s 600000 sparse; printf begin | dd of=sparse conv=notrunc 2>/dev/null; printf end | dd of=sparse bs=1 seek=400000 conv=notrunc 2>/dev/null
		ln big hard; ln -s big soft; ln -s /absolute/elsewhere away; ln -s ../up rel; mkfifo fifo
		printf s >setuid; printf t >sticky; printf n >none
		mkdir locked; printf x >locked/in
		d=deep; for i in 1 2 3; do d=$d/$(printf 'd%.0s' $(seq 1 120)); done; mkdir -p "$d"; printf far >"$d/$(printf 'f%.0s' $(seq 1 90))"
		for i in $(seq 1 60); do mkdir -p "many/$i"; head -c $((i * 37)) big >"many/$i/file $i"; done
		if [ "$(id -u)" = 0 ]; then chown 1234:2345 setuid sparse; chown -h 7:8 soft; chown 12:13 empty; fi
		chmod 4755 setuid; chmod 1777 sticky; chmod 2750 empty; chmod 400 none; chmod 640 big
		# An ordinary user could neither read the one nor clear the other away.
		[ "$(id -u)" != 0 ] || { chmod 0 none; chmod 500 locked; }
		find . -depth -exec touch -h -d '2001-02-03 04:05:06.789' {} +
		touch -d '2010-10-10 10:10:10' many/7 many; touch -d '2030-01-01' 'with space'`,
	);
}

/** Runs sh lines; throws when one fails. */
export function sh(script: string, cwd = '/'): string {
	return execFileSync('sh', ['-e'], { input: script, cwd, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
}

export interface Made {
	/** The directory of the volumes. */
	dir: string;
	base: string;
	/** In their order. */
	files: string[];
}

/** A backup in the form that bsdup writes: of `data` below `top`, into `dir`. `only`: how much of what lies beside the volumes. */
export function makeBackup(top: string, dir: string, kind: 'gnu-multivolume' | 'split', base = 'bsdup-20261125-db1', kib = 150): Made {
	mkdirSync(dir, { recursive: true });
	const name = join(dir, base);
	if (kind === 'split') sh(`tar -cf - data | split -b ${kib}k - '${name}.'`, top);
	else {
		writeFileSync(join(dir, 'volume.sh'), VOLUME_SCRIPT);
		sh(`tar -cM -L ${kib} -F 'sh ${dir}/volume.sh' -f '${name}.1' data`, top);
	}
	const wanted = kind === 'split' ? /\.[a-z]{2}$/ : /\.\d+$/;
	const number = (file: string): number => Number(file.split('.').at(-1));
	const files = readdirSync(dir)
		.filter((file) => file.startsWith(`${base}.`) && wanted.test(file))
		.sort((a, b) => (kind === 'split' ? (a < b ? -1 : 1) : number(a) - number(b)));
	sh(
		kind === 'split'
			? `cat ${base}.?? | tar -tf - >${base}.LIST`
			: `tar -tM -F 'sh ${dir}/volume.sh' -f ${name}.1 >${base}.LIST 2>/dev/null`,
		dir,
	);
	sh(`tar -czf ${base}.small.tgz -C / etc/hostname`, dir);
	writeFileSync(
		`${name}.RECOVERY.txt`,
		kind === 'split'
			? `In this directory, as root: cat ${base}.?? | tar -C / -xpf -\n`
			: `Restore with GNU tar only.\nIn this directory, as root:\n  gtar -xpM -C / -F "sh $PWD/volume.sh" -f "$PWD"/${base}.1\n`,
	);
	seal({ dir, base, files }, kind);
	return { dir, base, files };
}

/** Writes the hashes and, last, the record, of the volumes as they are. */
export function seal({ dir, base, files }: Made, kind: 'gnu-multivolume' | 'split'): void {
	const volumes = files.map((file) => {
		const bytes = readFileSync(join(dir, file));
		return { file, bytes: bytes.length, sha256: sha256(bytes) };
	});
	writeFileSync(join(dir, `${base}.SHA256`), volumes.map((one) => `SHA256 (${one.file}) = ${one.sha256}\n`).join(''));
	const small = `${base}.small.tgz`;
	const record = {
		format: 1,
		kind,
		base,
		host: 'db1',
		system: 'practice',
		release: '7.7',
		run: 'run-1',
		made: '2026-11-25T10:00:00Z',
		paths: ['data'],
		excludes: [],
		volumeKiB: 150,
		volumes,
		bytes: volumes.reduce((sum, one) => sum + one.bytes, 0),
		small: { file: small, sha256: sha256(readFileSync(join(dir, small))) },
		changed: 0,
	};
	writeFileSync(join(dir, `${base}.MANIFEST.json`), `${JSON.stringify(record)}\n`);
}

export function sha256(bytes: Buffer): string {
	return createHash('sha256').update(bytes).digest('hex');
}

/** A tree as lines, one a member: everything that must come back, mtimes in nanoseconds, hard links by their first name. */
export function portrait(top: string): string[] {
	const firsts = new Map<bigint, string>();
	const lines: string[] = [];
	const visit = (path: string): void => {
		const full = join(top, path);
		const { mode, uid, gid, mtimeNs, size, ino, nlink } = lstatSync(full, { bigint: true });
		const first = firsts.get(ino) ?? path;
		firsts.set(ino, first);
		const kind = Number(mode) & 0o170000;
		const holds = kind === 0o100000 ? `${size} ${sha256(readFileSync(full))}` : kind === 0o120000 ? readlinkSync(full) : '';
		// Plain tar archives keep whole seconds.
		lines.push(
			[path, mode.toString(8), uid, gid, mtimeNs / 1_000_000_000n, nlink, first, holds].map((one) => JSON.stringify(String(one))).join(' '),
		);
		if (kind === 0o040000) for (const name of readdirSync(full).sort()) visit(join(path, name));
	};
	visit('data');
	return lines;
}
