import { spawnSync } from 'node:child_process';
import {
	cpSync,
	existsSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findBackup } from '../../src/backup/backups.ts';
import { here } from '../../src/backup/here.ts';
import { listHere, listThere } from '../../src/backup/list-members.ts';
import { restore, restorePlan } from '../../src/backup/restore.ts';
import type { Restored, RestoreRequest } from '../../src/backup/restore-request.ts';
import { restoreLines, STATE } from '../../src/backup/restore-scripts.ts';
import { there } from '../../src/backup/there.ts';
import type { RunEvent } from '../../src/report/events.ts';
import { localTransport } from '../../src/transport/local.ts';
import { talk } from '../lab/terminal.ts';
import { GNU_TAR, type Made, makeBackup, makeTree, portrait, seal, sh } from './volumes.ts';

const PAX = '/usr/bin/paxtar';
const BSDTAR = '/usr/bin/bsdtar';

describe.skipIf(GNU_TAR === null)('a restore (needs GNU tar)', () => {
	let top: string;
	let original: string[];
	const made = new Map<string, Made>();
	let events: RunEvent[];
	beforeAll(() => {
		top = mkdtempSync(join(tmpdir(), 'bsdup-restore-'));
		makeTree(top);
		for (const kind of ['gnu-multivolume', 'split'] as const) made.set(kind, makeBackup(top, join(top, kind), kind));
		original = portrait(top);
	});
	afterAll(() => rmSync(top, { recursive: true, force: true, maxRetries: 20 }));
	beforeEach(() => {
		events = [];
	});
	const target = (): string => join(top, 'out');
	afterEach(() => rmSync(target(), { recursive: true, force: true, maxRetries: 20 }));

	/** `where`: volumes read by bsdup here, by the host's own programs, or sent to the host. */
	async function request(
		dir: string,
		more: Partial<RestoreRequest> = {},
		where: 'here' | 'there' | 'sent' = 'here',
	): Promise<RestoreRequest> {
		const host = localTransport({ become: 'none' });
		const place = where === 'there' ? there(host, dir) : here(dir);
		const backup = await findBackup(place, undefined);
		const emit = (event: RunEvent): void => void events.push(event);
		const rest = { target: target(), paths: [], emit, signal: new AbortController().signal, confirm: async () => true };
		return { place, backup, host, send: where === 'sent', ...rest, ...more };
	}
	const run = async (...args: Parameters<typeof request>): Promise<Restored> => restore(await request(...args));
	const dirOf = (kind: string): string => made.get(kind)?.dir ?? '';

	describe.each(['gnu-multivolume', 'split'])('of %s volumes', (kind) => {
		test.each(['here', 'there', 'sent'] as const)(
			'brings everything back, byte for byte, modes, owners, times and links (volumes %s)',
			async (where) => {
				const done = await run(dirOf(kind), {}, where);
				expect(done).toMatchObject({ base: 'bsdup-20261125-db1', resumed: false, members: original.length });
				expect(portrait(target())).toEqual(original);
				expect(readdirSync(target())).toEqual(['data']);
				const bytes = events.flatMap((event) => (event.kind === 'progress' && event.id === 'check' ? [event.done] : []));
				expect(bytes.at(-1)).toBe(done.bytes);
			},
		);

		test.each(['here', 'there', 'sent'] as const)('brings single paths back, odd names too (volumes %s)', async (where) => {
			await run(dirOf(kind), { paths: ['/data/star*[x]?', 'data/deep/', './data/many/7'] }, where);
			const names = readdirSync(join(target(), 'data'));
			expect(names.sort()).toEqual(['deep', 'many', 'star*[x]?']);
			expect(readdirSync(join(target(), 'data/many'))).toEqual(['7']);
		});

		test.each(['here', 'there', 'sent'] as const)('takes a path twice, and one below another (volumes %s)', async (where) => {
			await run(dirOf(kind), { paths: ['/data/many', 'data/many/', 'data/many/7', 'data/deep'] }, where);
			expect(readdirSync(join(target(), 'data')).sort()).toEqual(['deep', 'many']);
			const { host, backup } = await request(dirOf(kind), {}, 'there');
			await listThere(host, dirOf(kind), backup, ['data/deep', '/data/deep/', 'data/deep'], () => {});
		});

		test.each(['here', 'there', 'sent'] as const)('refuses paths that are not there before it writes (volumes %s)', async (where) => {
			const paths = ['data/big', 'data/öd', 'data/many', 'data/many/none of it'];
			const told = { code: 'E_RESTORE_PATH', message: 'the backup holds no data/öd, data/many/none of it' };
			await expect(run(dirOf(kind), { paths }, where)).rejects.toMatchObject(told);
			expect(existsSync(target())).toBe(false);
		});

		test('names paths that are not there when it lists them by the tar of the host', async () => {
			const { host, backup } = await request(dirOf(kind), {}, 'there');
			await expect(listThere(host, dirOf(kind), backup, ['/data/many', 'data/absent'], () => {})).rejects.toMatchObject({
				code: 'E_RESTORE_PATH',
				message: 'the backup holds no data/absent',
			});
		});

		test('lists up to a volume that is missing, and names that', async () => {
			const dir = join(top, `gap-${kind}`);
			cpSync(dirOf(kind), dir, { recursive: true });
			const [, second = ''] = made.get(kind)?.files ?? [];
			rmSync(join(dir, second));
			const { backup, host } = await request(dir);
			const told = { code: 'E_BACKUP_BROKEN', message: `this backup is not whole:\n- ${second}: it is missing` };
			const names: string[] = [];
			await expect(listHere(dir, backup, [], ({ name }) => names.push(name))).rejects.toMatchObject(told);
			expect(names[0]).toBe('data/');
			await expect(listThere(host, dir, backup, [], (line) => names.push(line))).rejects.toMatchObject(told);
		});

		test('restores as its RECOVERY.txt says, with tar alone', () => {
			const note = readFileSync(join(dirOf(kind), 'bsdup-20261125-db1.RECOVERY.txt'), 'utf8');
			const line = note
				.split('\n')
				.find((one) => one.includes('tar') && one.includes('-C /'))
				?.replace(/^.*as root: /, '');
			mkdirSync(target());
			const changed = line?.replace('gtar', 'tar').replace('-C /', `-C ${target()}`) ?? '';
			expect(spawnSync('sh', ['-c', changed], { cwd: dirOf(kind) }).status).toBe(0);
			expect(portrait(target())).toEqual(original);
		});

		test('shows the commands that it would run, and writes nothing', async () => {
			const lines = await restorePlan(await request(dirOf(kind)));
			expect(lines.join('\n')).toContain('tar');
			expect(existsSync(target())).toBe(false);
			// One truth: what the job runs are these lines.
			const kept = await request(dirOf(kind));
			const looks: string[] = [];
			const hear = (script: string, options?: object) => {
				looks.push(script);
				return kept.host.run(script, options);
			};
			const host = { ...kept.host, run: hear };
			await restore({ ...kept, host });
			for (const line of lines) expect(looks.join('\n').replaceAll("'\\''", "'")).toContain(line);
		});
	});

	test('lists single paths of an archive of the whole root by the tar of the host', async () => {
		const dir = mkdtempSync(join(top, 'root-'));
		sh(`tar -cf ${dir}/root.aa ./data/many ./data/deep`, top);
		writeFileSync(join(dir, 'root.small.tgz'), '');
		seal({ dir, base: 'root', files: ['root.aa'] }, 'split');
		const { host, backup } = await request(dir, {}, 'there');
		const lines: string[] = [];
		await listThere(host, dir, backup, ['/data/many/7'], (line) => lines.push(line));
		expect(lines.map((line) => line.split(' ./').at(-1))).toEqual(['data/many/7/', 'data/many/7/file 7']);
	});

	test.each(['here', 'there', 'sent'] as const)('says nothing of flags, which GNU tar does not know (volumes %s)', async (where) => {
		const dir = mkdtempSync(join(top, 'flags-'));
		sh(`tar --format=pax --pax-option=SCHILY.fflags:=uarch -cf ${dir}/flags.aa data/many`, top);
		writeFileSync(join(dir, 'flags.small.tgz'), '');
		seal({ dir, base: 'flags', files: ['flags.aa'] }, 'split');
		await run(dir, {}, where);
		expect(events.filter((event) => event.kind === 'log')).toEqual([]);
	});

	test('says why the disk of a host does not give a volume', async () => {
		const bin = mkdtempSync(join(top, 'failing-'));
		writeFileSync(join(bin, 'sha256'), '#!/bin/sh\necho "sha256: $2: Input/output error" >&2\nexit 1\n', { mode: 0o755 });
		const one = await request(dirOf('split'), {}, 'there');
		const kept = one.host.run;
		const host = { ...one.host, run: (script: string, options?: object) => kept(`PATH=${bin}:$PATH\n${script}`, options) };
		await expect(restore({ ...one, host, place: there(host, dirOf('split')) })).rejects.toMatchObject({
			code: 'E_BACKUP_DIR',
			message: expect.stringMatching(/ cannot be read: sha256: \S+\.aa: Input\/output error$/),
		});
	});

	test('tells what to do about files that their flags keep as they are', async () => {
		const bin = mkdtempSync(join(top, 'flagged-'));
		const says = 'gtar: data/big: Cannot unlink: Operation not permitted';
		const text = `#!/bin/sh\ncase $1 in --version) echo "GNU tar" ;; *) echo "${says}" >&2; exit 2 ;; esac\n`;
		writeFileSync(join(bin, 'gtar'), text, { mode: 0o755 });
		const one = await request(dirOf('split'));
		const kept = one.host.run;
		const host = { ...one.host, run: (script: string, options?: object) => kept(`PATH=${bin}:$PATH\n${script}`, options) };
		await expect(restore({ ...one, host })).rejects.toMatchObject({
			message: `tar ended with status 2:\n${says}`,
			next: [expect.stringContaining('chflags noschg,nouchg'), 'the same command again goes on'],
		});
	});

	test('tells where what it kept of itself could not be taken away', async () => {
		const kept = await request(dirOf('split'));
		const noTmp = (script: string, options?: object) => kept.host.run(script.replace('/tmp/bsdup.', '/nowhere/bsdup.'), options);
		await restore({ ...kept, host: { ...kept.host, run: noTmp } });
		const said = events.flatMap((event) => (event.kind === 'notice' ? [event.text] : []));
		expect(said).toEqual([expect.stringMatching(/^warning: what the restore kept of itself stays in \S+: .*nowhere/)]);
		expect(existsSync(said[0]?.split(' stays in ')[1]?.split(': ')[0] ?? '')).toBe(true);
		expect(readdirSync(target())).toContain('data');
	});

	test.each(['gnu-multivolume', 'split'].flatMap((kind) => (['here', 'there', 'sent'] as const).map((where) => [kind, where] as const)))(
		'takes the file along that holds the data of a hard link (%s volumes, %s)',
		async (kind, where) => {
			const links = ['data/big', 'data/hard'];
			for (const path of links) {
				await run(dirOf(kind), { paths: [path] }, where);
				expect(readFileSync(join(target(), path)).equals(readFileSync(join(top, path)))).toBe(true);
				rmSync(target(), { recursive: true });
			}
			expect(events.filter((event) => event.kind === 'notice')).toHaveLength(1);
		},
	);

	test("restores what a person made at the prompt the article's way, each volume moved away from the one name", async () => {
		const dir = join(top, 'prompt');
		mkdirSync(dir);
		const volume = join(dir, 'home.tar');
		const shell = process.getuid?.() === 0 ? '\n# ' : '\n$ ';
		const moves = [2, 3, 4].flatMap((n): [string, string][] => [
			[`Prepare volume #${n}`, '!'],
			[shell, `mv ${volume} ${volume}.${n - 1}; exit`],
			[`Prepare volume #${n}`, ''],
		]);
		const env = { SHELL: '/bin/sh', ENV: '/dev/null' };
		const made = await talk(['tar', '-C', top, '-L', '120', '-cvMf', volume, 'data/deep', 'data/big'], moves, env);
		expect(made).toMatchObject({ code: 0, unasked: [] });
		await run(dir);
		for (const name of ['big', 'deep']) expect(sh(`diff -r data/${name} out/data/${name} && echo same`, top)).toBe('same\n');
	});

	test('restores volumes made by hand, with a label and odd names', async () => {
		const dir = join(top, 'by hand');
		mkdirSync(dir);
		sh(`tar -cM -V 'my disks' -L 150 -F 'sh ${dirOf('gnu-multivolume')}/volume.sh' -f '${dir}/disk.1' data`, top);
		for (const [n, name] of ['first one', "it's", 'a:b'].entries()) sh(`mv disk.${n + 1} "${name}"`, dir);
		const files = readdirSync(dir);
		const place = here(dir);
		await restore({ ...(await request(dirOf('split'))), place, backup: await findBackup(place, undefined, files) });
		expect(portrait(target())).toEqual(original);
	});

	test('warns of a small archive that is damaged, and restores the volumes, which are whole', async () => {
		const dir = join(top, 'small');
		cpSync(dirOf('split'), dir, { recursive: true });
		truncateSync(join(dir, 'bsdup-20261125-db1.small.tgz'), 20);
		await run(dir);
		expect(portrait(target())).toEqual(original);
		expect(events).toContainEqual({ kind: 'notice', text: expect.stringContaining('small.tgz: it is cut off') });
	});

	test('restores hand-made volumes of a host in the order of their names, whatever lies beside them', async () => {
		const dir = join(top, 'numbered');
		mkdirSync(dir);
		sh(`tar -cM -L 100 -F 'sh ${dirOf('gnu-multivolume')}/volume.sh' -f '${dir}/home.1' data`, top);
		expect(readdirSync(dir).length).toBeGreaterThan(9);
		for (const name of ['empty', 'home.0', 'short']) writeFileSync(join(dir, name), name === 'short' ? 'x' : '');
		await run(dir, {}, 'there');
		expect(portrait(target())).toEqual(original);
		rmSync(join(dir, 'home.3'));
		rmSync(target(), { recursive: true });
		await expect(run(dir, {}, 'there')).rejects.toMatchObject({
			code: 'E_BACKUP_BROKEN',
			message: expect.stringContaining('home.3: it is missing'),
		});
	});

	test.each(['here', 'there', 'sent'] as const)('refuses a broken set before a byte is written (volumes %s)', async (where) => {
		const dir = join(top, `broken-${where}`);
		cpSync(dirOf('gnu-multivolume'), dir, { recursive: true });
		const volume = join(dir, 'bsdup-20261125-db1.2');
		const bytes = readFileSync(volume);
		bytes[1000] = (bytes[1000] ?? 0) ^ 1;
		writeFileSync(volume, bytes);
		await expect(run(dir, {}, where)).rejects.toMatchObject({
			code: 'E_BACKUP_BROKEN',
			message: expect.stringContaining('db1.2: its bytes'),
		});
		truncateSync(volume, 512);
		await expect(run(dir, {}, where)).rejects.toMatchObject({
			code: 'E_BACKUP_BROKEN',
			message: expect.stringContaining('cut off: 512 of'),
		});
		expect(existsSync(target())).toBe(false);
	});

	describe('into a target', () => {
		test.each<[what: string, make: () => void, says: string]>([
			['that is not empty', () => sh(`mkdir -p out/sub; : >out/sub/letter`, top), 'is not empty'],
			['that is a file', () => writeFileSync(target(), ''), 'is no directory'],
			['whose directory is not there', () => {}, 'nor the directory above it'],
			['that holds another unfinished restore', () => sh(`mkdir -p out/${STATE}; echo x >out/${STATE}/what`, top), 'something else'],
		])('%s is refused, and nothing is written', async (what, make, says) => {
			make();
			const to = what.includes('directory is not') ? join(target(), 'a/b') : target();
			const before = sh(`find out 2>/dev/null || :`, top);
			await expect(run(dirOf('split'), { target: to })).rejects.toMatchObject({
				code: 'E_RESTORE_TARGET',
				message: expect.stringContaining(says),
			});
			expect(sh(`find out 2>/dev/null || :`, top)).toBe(before);
		});

		test.skipIf(process.getuid?.() !== 0).each([
			['a directory', 'mkdir out; chown 1000 out'],
			['a link', 'mkdir other; ln -s other out; chown -h 1000 out'],
			['what it keeps of a restore', `mkdir -p out/${STATE}; chown 1000 out/${STATE}`],
		])('where all may write is refused where somebody else planted %s (needs root)', async (_what, make) => {
			sh(`chmod 1777 .; ${make}`, top);
			const before = sh('find . | sort', top);
			await expect(run(dirOf('split'))).rejects.toMatchObject({
				code: 'E_RESTORE_TARGET',
				message: expect.stringContaining('belongs to somebody else'),
			});
			expect(sh('find . | sort', top)).toBe(before);
			sh('chmod 700 .; rm -rf other', top);
		});

		test.skipIf(process.getuid?.() !== 0)('of somebody else is taken where nobody else could have made it (needs root)', async () => {
			sh('mkdir out; chown 1000 out', top);
			await run(dirOf('split'));
			expect(portrait(target())).toEqual(original);
		});

		test('that holds nothing but directories is as good as empty', async () => {
			mkdirSync(join(target(), 'data/many'), { recursive: true });
			await run(dirOf('split'));
			expect(portrait(target())).toEqual(original);
		});

		test('never leads out of it: a link that the archive makes is not followed', async () => {
			const dir = join(top, 'evil');
			sh(
				'mkdir evil t; ln -s ../../victim t/l; tar -cf - t | split -b 100k - evil/evil.; rm -r t; mkdir t t/l; echo bad >t/l/file; tar -cf x.tar t/l/file; rm -r t',
				top,
			);
			// Two archives in one, as somebody who means harm would make it.
			const [one, two] = [readFileSync(join(dir, 'evil.aa')), readFileSync(join(top, 'x.tar'))];
			writeFileSync(join(dir, 'evil.aa'), Buffer.concat([one.subarray(0, 1024), two]));
			sh('sha256sum --tag evil.aa >evil.SHA256', dir);
			await expect(run(dir)).rejects.toMatchObject({ code: 'E_BACKUP_UNSAFE', message: expect.stringContaining('t/l/file') });
			expect(existsSync(join(top, 'victim'))).toBe(false);
		});
	});

	test.skipIf(process.getuid?.() !== 0)(
		'in place tells what is written over before it asks, the names of the disks too (needs root)',
		async () => {
			const asked = async (paths: string[]): Promise<string> => {
				const said: string[] = [];
				const no = async (lines: string[]): Promise<boolean> => said.push(...lines) === 0;
				await expect(run(dirOf('split'), { target: '/', paths, confirm: no })).rejects.toMatchObject({ code: 'E_RESTORE_UNCONFIRMED' });
				return said.join('\n');
			};
			expect(await asked([])).toMatch(/^This writes everything [\s\S]*keep its \/etc\/fstab/);
			expect(await asked(['data/big'])).toMatch(/^This writes data\/big (?![\s\S]*fstab)/);
		},
	);

	describe.each([
		['volumes, by GNU tar', 'gnu-multivolume', 'tar', ''],
		['pieces, by GNU tar', 'split', 'tar', './'],
		["pieces, by libarchive's tar", 'split', BSDTAR, './'],
	] as const)('in place, of %s', (_what, kind, program, prefix) => {
		test.skipIf(!existsSync(program) && program === BSDTAR)('leaves out what the system keeps immutable, and nothing else', () => {
			const dir = mkdtempSync(join(top, 'place-'));
			const paths = ['var/empty', 'var/empty2/x', 'etc/empty/x'].map((path) => join(dir, 'from', path));
			for (const path of paths) mkdirSync(path, { recursive: true });
			sh(`tar -C from -cf base.${kind === 'split' ? 'aa' : '1'} ${prefix}var ${prefix}etc`, dir);
			for (const part of ['to', 'to/state', 'bin']) mkdirSync(join(dir, part));
			writeFileSync(join(dir, 'bin/ls'), '#!/bin/sh\necho "dr-xr-xr-x  2 root  wheel  schg,uarch 2 Nov 24 10:00 $2"\n', { mode: 0o755 });
			const backup = {
				base: 'base',
				kind,
				files: [`base.${kind === 'split' ? 'aa' : '1'}`],
				hashes: new Map(),
				record: null,
				byHand: true,
			};
			const tar = { program, gnu: program === 'tar' };
			const lines = restoreLines({ id: 'x', tar, backup, dir, target: '/', members: [], prefix });
			const [, ...rest] = lines;
			sh(`PATH=${dir}/bin:$PATH; t=${dir}/to; s=${dir}/to/state; id=x\n${rest.join('\n')}`);
			expect(sh('find var etc | sort', join(dir, 'to')).split('\n')).toEqual([
				'etc',
				'etc/empty',
				'etc/empty/x',
				'var',
				'var/empty2',
				'var/empty2/x',
				'',
			]);
		});
	});

	describe('that was cut', () => {
		/** As a killed restore leaves it: `torn` was being written, what came after it is not there. */
		async function cut(kind: string, torn: string): Promise<void> {
			const one = await request(dirOf(kind));
			const stuck = {
				...one.host,
				run: (script: string, options?: object) =>
					script.includes('rm -rf "$s"') ? Promise.reject(new Error('killed')) : one.host.run(script, options),
			};
			await expect(restore({ ...one, host: stuck })).rejects.toThrow('killed');
			rmSync(join(target(), STATE, 'rc'));
			truncateSync(join(target(), torn), 10);
			rmSync(join(target(), 'data/many/9'), { recursive: true });
			rmSync(join(target(), 'data/soft'));
			utimesSync(join(target(), 'data/many'), 1, 1);
		}

		test.each(['gnu-multivolume', 'split'])('goes on, leaves what is right alone, and is whole (%s)', async (kind) => {
			await cut(kind, 'data/sparse');
			const kept = lstatSync(join(target(), 'data/setuid')).ino;
			expect(await run(dirOf(kind))).toMatchObject({ resumed: true });
			expect(portrait(target())).toEqual(original);
			expect(lstatSync(join(target(), 'data/setuid')).ino).toBe(kept);
		});

		test('trusts no file from before a power cut', async () => {
			await cut('split', 'data/sparse');
			writeFileSync(join(target(), STATE, 'boot'), 'another boot\n');
			utimesSync(join(target(), 'data/sparse'), 981_173_106, 981_173_106);
			await run(dirOf('split'));
			expect(portrait(target())).toEqual(original);
		});

		test('trusts no file where the clock was set back meanwhile', async () => {
			await cut('split', 'data/sparse');
			// Begun an hour ahead of now, and torn after the clock was set right.
			const ahead = Date.now() / 1000 + 3600;
			utimesSync(join(target(), STATE, 'begun'), ahead, ahead);
			await run(dirOf('split'));
			expect(portrait(target())).toEqual(original);
		});

		test('is not gone on with by one that asks for something else', async () => {
			await cut('split', 'data/sparse');
			await expect(run(dirOf('split'), { paths: ['data/big'] })).rejects.toMatchObject({ code: 'E_RESTORE_TARGET' });
			await expect(run(dirOf('gnu-multivolume'))).rejects.toMatchObject({ code: 'E_RESTORE_TARGET' });
		});
	});

	test('ends what runs on the host at Ctrl-C, says so, and goes on when asked again', async () => {
		const stop = new AbortController();
		const one = await request(dirOf('split'), { signal: stop.signal });
		const waits = {
			...one.host,
			run: (script: string, options?: object) =>
				one.host.run(script.replace('echo $$ >"$s/act.pid"', 'echo $$ >"$s/act.pid"; sleep 30'), options),
		};
		const emit = (event: RunEvent): void => {
			if (event.kind === 'step' && event.id === 'restore' && event.status === 'running') setTimeout(() => stop.abort(), 500);
		};
		await expect(restore({ ...one, host: waits, emit })).rejects.toMatchObject({
			code: 'E_INTERRUPTED',
			exit: 130,
			next: ['the same command again goes on'],
		});
		await run(dirOf('split'));
		expect(portrait(target())).toEqual(original);
	});

	describe.skipIf(!existsSync(PAX))('where there is no GNU tar (needs paxtar as base tar)', () => {
		const path = process.env['PATH'];
		beforeAll(() => {
			const bin = join(top, 'bin');
			mkdirSync(bin);
			symlinkSync(PAX, join(bin, 'tar'));
			process.env['PATH'] = `${bin}${delimiter}${path}`;
		});
		afterAll(() => {
			process.env['PATH'] = path;
		});

		test.each(['here', 'there', 'sent'] as const)(
			'refuses volumes that only it can read, and says how to get it (volumes %s)',
			async (where) => {
				await expect(run(dirOf('gnu-multivolume'), {}, where)).rejects.toMatchObject({
					code: 'E_NO_GNU_TAR',
					next: expect.arrayContaining([expect.stringContaining('gtar')]),
				});
				expect(existsSync(target())).toBe(false);
			},
		);

		test.each(['here', 'there', 'sent'] as const)('restores what is split (volumes %s)', async (where) => {
			await run(dirOf('split'), {}, where);
			expect(portrait(target())).toEqual(original);
			rmSync(target(), { recursive: true });
			await run(dirOf('split'), { paths: ['data/star*[x]?', 'data/deep'] }, where);
			expect(readdirSync(join(target(), 'data')).sort()).toEqual(['deep', 'star*[x]?']);
		});

		test('lists what is split', async () => {
			const lines: string[] = [];
			const one = await request(dirOf('split'), {}, 'there');
			await listThere(one.host, dirOf('split'), one.backup, [], (line) => lines.push(line));
			expect(lines.length).toBeGreaterThanOrEqual(original.length);
		});
	});

	describe.skipIf(!existsSync(BSDTAR))("where base tar is libarchive's, which knows of alphabets (needs bsdtar)", () => {
		const before = { ...process.env };
		let dir: string;
		beforeAll(() => {
			const bin = join(top, 'libarchive');
			mkdirSync(bin);
			symlinkSync(BSDTAR, join(bin, 'tar'));
			dir = join(top, 'utf8');
			mkdirSync(dir);
			sh(`LC_ALL=C.UTF-8 ${BSDTAR} --exclude fifo -cf ${dir}/home.aa data/many data/ünïcödé*; : >${dir}/home.small.tgz`, top);
			seal({ dir, base: 'home', files: ['home.aa'] }, 'split');
			Object.assign(process.env, { PATH: `${bin}${delimiter}${before['PATH']}`, LANG: 'C.UTF-8' });
			for (const name of ['LC_ALL', 'LC_CTYPE']) delete process.env[name];
		});
		afterAll(() => {
			for (const name of ['PATH', 'LANG', 'LC_ALL', 'LC_CTYPE'])
				if (before[name] === undefined) delete process.env[name];
				else process.env[name] = before[name];
		});

		test.each(['here', 'there', 'sent'] as const)('brings names in UTF-8 back (volumes %s)', async (where) => {
			await run(dir, {}, where);
			expect(readFileSync(join(target(), 'data/ünïcödé ✓'), 'utf8')).toBe('ünïcödé ✓\n');
		});

		test('lists names in UTF-8 to the end', async () => {
			const one = await request(dir, {}, 'there');
			const lines: string[] = [];
			await listThere(one.host, dir, one.backup, ['/data/ünïcödé ✓'], (line) => lines.push(line));
			expect(lines).toEqual([expect.stringMatching(/ data\/ünïcödé ✓$/)]);
		});
	});
});
