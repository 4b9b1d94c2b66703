import {
	appendFileSync,
	chmodSync,
	cpSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	truncateSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findBackup } from '../../src/backup/backups.ts';
import { checkBackup, refuseBroken } from '../../src/backup/check.ts';
import { here } from '../../src/backup/here.ts';
import { there } from '../../src/backup/there.ts';
import { localTransport } from '../../src/transport/local.ts';
import { talk } from '../lab/terminal.ts';
import { GNU_TAR, type Made, makeBackup, makeTree, seal, sh } from './volumes.ts';

describe.skipIf(GNU_TAR === null)('the check of a backup before it is restored (needs GNU tar)', () => {
	let top: string;
	const made = new Map<string, Made>();
	let dir: string;
	beforeAll(() => {
		top = mkdtempSync(join(tmpdir(), 'bsdup-check-'));
		makeTree(top);
		for (const kind of ['gnu-multivolume', 'split'] as const) made.set(kind, makeBackup(top, join(top, kind), kind));
		made.set('other', makeBackup(top, join(top, 'other'), 'gnu-multivolume', 'bsdup-20250101-db2', 120));
	});
	afterAll(() => rmSync(top, { recursive: true, force: true }));

	const check = async (base?: string, volumes: string[] = []) => checkBackup(here(dir), await findBackup(here(dir), base, volumes));
	const told = async (): Promise<string> => (await check()).faults.map(({ file, says }) => `${file}: ${says}`).join('\n');

	describe.each(['gnu-multivolume', 'split'] as const)('of the kind %s', (kind) => {
		let volume: (n: number) => string;
		beforeEach(() => {
			const one = made.get(kind);
			if (one === undefined) throw new Error('not made');
			dir = join(top, 'work');
			rmSync(dir, { recursive: true, force: true });
			cpSync(one.dir, dir, { recursive: true });
			volume = (n) => join(dir, one.files[n - 1] ?? '');
		});
		const name = (n: number): string => volume(n).split('/').at(-1) ?? '';

		test('passes a whole one, and counts its members', async () => {
			const { faults, inspection } = await check();
			expect(faults).toEqual([]);
			expect(inspection).toMatchObject({ fault: null, unsafe: [], prefix: '' });
			expect(inspection?.members).toBeGreaterThan(100);
		});

		test.each<[what: string, harm: () => void, says: RegExp]>([
			['missing', () => rmSync(volume(2)), /\.(2|ab): it is missing/],
			['cut off', () => truncateSync(volume(2), 1000), /\.(2|ab): it is cut off: 1000 of/],
			['longer', () => appendFileSync(volume(3), 'x'), /\.(3|ac): it is longer than it was made/],
			['edited in one byte', () => edit(volume(2)), /\.(2|ab): its bytes are not those that were written/],
			[
				'swapped with another',
				() => swap(volume(1), volume(2)),
				/\.(1|aa): it holds the volume .*\.(2|ab)\n.*\.(2|ab): it holds the volume .*\.(1|aa)/,
			],
			['overwritten by one of another backup', () => foreign(volume(2)), /\.(2|ab): its bytes are not|\.(2|ab): it is/],
			[
				'added',
				() => cpSync(volume(1), kind === 'split' ? volume(1).replace(/aa$/, 'zz') : volume(1).replace(/1$/, '77')),
				/it is not one of the volumes/,
			],
		])('names the volume that is %s', async (_what, harm, says) => {
			harm();
			expect(await told()).toMatch(says);
			const checked = await check();
			expect(() => refuseBroken(checked)).toThrowError(
				expect.objectContaining({
					code: 'E_BACKUP_BROKEN',
					next: [expect.stringMatching(/copy|move|give/)].concat(checked.faults.length > 1 ? [expect.any(String)] : []),
				}),
			);
		});

		test('names the volume that cannot be read', async () => {
			chmodSync(volume(2), 0);
			await asNobody(() => expect(check()).rejects.toMatchObject({ code: 'E_BACKUP_READ' }));
		});

		test('finds a gap in the chain without any list', async () => {
			for (const end of ['MANIFEST.json', 'SHA256']) rmSync(join(dir, `${made.get(kind)?.base}.${end}`));
			rmSync(volume(2));
			const files = [1, 3, 4].map((n) => name(n));
			if (kind === 'gnu-multivolume') expect((await check(undefined, files)).faults[0]?.says).toMatch(/missing/);
		});

		/** Root may read everything: for this long the process is nobody. */
		const asNobody = async (work: () => Promise<void>): Promise<void> => {
			if (process.getuid?.() !== 0) return work();
			for (const path of [top, dir]) chmodSync(path, 0o755);
			for (const file of readdirSync(dir)) if (join(dir, file) !== volume(2)) chmodSync(join(dir, file), 0o644);
			process.seteuid?.(65_534);
			await work().finally(() => process.seteuid?.(0));
		};
		const edit = (file: string): void => {
			const bytes = readFileSync(file);
			bytes[70_000] = (bytes[70_000] ?? 0) ^ 1;
			writeFileSync(file, bytes);
		};
		const swap = (a: string, b: string): void => {
			renameSync(a, `${a}.x`);
			renameSync(b, a);
			renameSync(`${a}.x`, b);
			// The same length, so that only their contents tell.
			expect(readFileSync(a).length).toBe(readFileSync(b).length);
		};
		const foreign = (file: string): void => cpSync(join(made.get('other')?.dir ?? '', made.get('other')?.files[1] ?? ''), file);
	});

	describe('that was made by hand', () => {
		beforeEach(() => {
			dir = join(top, 'hand');
			rmSync(dir, { recursive: true, force: true });
			mkdirSync(dir);
		});

		test('takes volumes moved away at the prompt, whatever their names, in the order that their heads tell', async () => {
			const volume = join(dir, 'x.tar');
			const prompt = process.getuid?.() === 0 ? '\n# ' : '\n$ ';
			const hand = await talk(
				['tar', '-C', top, '-cvM', '-L', '120', '-f', volume, 'data/deep', 'data/big'],
				['zebra', 'apple', 'mango'].flatMap((name, n): [string, string][] => [
					[`Prepare volume #${n + 2}`, '!'],
					[prompt, `mv ${volume} ${dir}/${name}; exit`],
					[`Prepare volume #${n + 2}`, ''],
				]),
				{ SHELL: '/bin/sh', ENV: '/dev/null' },
			);
			expect(hand).toMatchObject({ code: 0, unasked: [] });
			const backup = await findBackup(here(dir), undefined);
			expect(backup).toMatchObject({ byHand: true, files: ['zebra', 'apple', 'mango', 'x.tar'] });
			expect((await check()).faults).toEqual([]);
			rmSync(join(dir, 'mango'));
			expect(await told()).toMatch(/^x.tar: it goes on with .* but apple ends with .* a volume between is missing/);
		});

		// Of small pieces many begin with a header, as a volume does.
		test.each([150, 10])('takes pieces of %i KiB that have no list for the one archive they are', async (kib) => {
			const { base, files } = makeBackup(top, dir, 'split', 'bsdup-20261125-db1', kib);
			for (const end of ['MANIFEST.json', 'SHA256']) rmSync(join(dir, `${base}.${end}`));
			const whole = { base, byHand: true, kind: 'split', files };
			for (const place of [here(dir), there(localTransport({ become: 'none' }), dir)]) {
				expect(await findBackup(place, undefined)).toMatchObject(whole);
				expect(await findBackup(place, undefined, files.toReversed())).toMatchObject(whole);
				expect(await checkBackup(place, await findBackup(place, base))).toMatchObject({ faults: [] });
			}
			rmSync(join(dir, files[1] ?? ''));
			rmSync(join(dir, files.at(-2) ?? ''));
			expect(await told()).toBe(`${files[1]}: it is missing\n${files.at(-2)}: it is missing`);
		});

		test('tells several archives apart, and wants to be told which', async () => {
			for (const [label, kib] of [
				['a', 120],
				['b', 90],
			] as const) {
				sh(`tar -cM -L ${kib} -F 'sh ${top}/gnu-multivolume/volume.sh' -f '${dir}/${label}.1' data/big`, top);
				for (const n of [1, 2, 3]) renameSync(join(dir, `${label}.${n}`), join(dir, `${label}${9 - n}`));
			}
			await expect(check()).rejects.toMatchObject({ code: 'E_BACKUP_MANY', next: ['--base a8', '--base b8'] });
			expect((await findBackup(here(dir), 'a8')).files).toEqual(['a8', 'a7', 'a6', 'a.4']);
			expect((await check('a8')).faults).toEqual([]);
			expect((await findBackup(here(dir), undefined, ['b7', 'b.5', 'b6', 'b8', 'b.4'])).files).toEqual(['b8', 'b7', 'b6', 'b.4', 'b.5']);
		});

		test('finds the missing number where names are numbered and a break lies between two files', async () => {
			sh(
				`mkdir few; for i in 1 2 3 4 5 6; do head -c 9728 data/big >few/$i; done; cd few; tar -cM -L 20 -F 'sh ${top}/gnu-multivolume/volume.sh' -f ${dir}/v.1 1 2 3 4 5 6`,
				top,
			);
			expect((await check()).faults).toEqual([]);
			rmSync(join(dir, 'v.2'));
			expect(await told()).toContain('v.2: it is missing');
		});
	});

	test('tells a backup that was not finished, and checks it by its hashes', async () => {
		const one = made.get('gnu-multivolume');
		dir = join(top, 'unfinished');
		cpSync(one?.dir ?? '', dir, { recursive: true });
		rmSync(join(dir, `${one?.base}.MANIFEST.json`));
		expect(await findBackup(here(dir), undefined)).toMatchObject({
			record: null,
			byHand: false,
			kind: 'gnu-multivolume',
			files: one?.files,
		});
		expect((await check()).faults).toEqual([]);
		truncateSync(join(dir, one?.files[1] ?? ''), 10_240);
		expect(await told()).toMatch(/\.2: its bytes are not those/);
	});

	test('lists the backups of a directory with date, host and size when it is not told which', async () => {
		dir = join(top, 'both');
		cpSync(made.get('gnu-multivolume')?.dir ?? '', dir, { recursive: true });
		cpSync(made.get('other')?.dir ?? '', dir, { recursive: true });
		await expect(check()).rejects.toMatchObject({
			code: 'E_BACKUP_MANY',
			message: expect.stringMatching(/bsdup-20250101-db2 {2}\(of db1, 2026-11-25T10:00:00Z, \d+ volumes, [\d.]+ [KM]iB\)/),
		});
		expect((await check('bsdup-20250101-db2')).faults).toEqual([]);
		await expect(check('none')).rejects.toMatchObject({ code: 'E_BACKUP_NONE', exit: 2 });
	});

	test.each([
		['is no JSON', (text: string) => text.slice(0, 40)],
		['is of a newer format', (text: string) => text.replace('"format":1', '"format":2')],
		['names a file elsewhere', (text: string) => text.replace(/"file":"/, '"file":"../')],
		['has no volumes', (text: string) => text.replace(/"volumes":\[[^\]]*\]/, '"volumes":[]')],
	])('refuses a record that %s', async (_what, change) => {
		const one = made.get('gnu-multivolume');
		dir = join(top, 'record');
		cpSync(one?.dir ?? '', dir, { recursive: true });
		const file = join(dir, `${one?.base}.MANIFEST.json`);
		writeFileSync(file, change(readFileSync(file, 'utf8')));
		await expect(check()).rejects.toMatchObject({ code: 'E_BACKUP_RECORD' });
	});

	test.each([
		['..', 'tar -cPf - data/big | cat', 's,^data/big,../../big,', /leads out by \.\./],
		[
			'a symbolic link of its own',
			'mkdir t; ln -s /etc t/l; tar -cf - t/l data/big',
			's,^data/big,t/l/passwd,',
			/leads through a symbolic link/,
		],
		['a hard link', 'ln data/big second; tar -cf - data/big second', 's,^data/big,../out,', /leads out by \.\./],
	])('refuses members that leave the target by %s', async (_what, make, change, says) => {
		const base = 'bsdup-20250505-evil';
		dir = mkdtempSync(join(top, 'evil-'));
		sh(
			`${make.replace(' | cat', '').replace('tar -c', `tar --transform='${change}' -c`)} >'${dir}/${base}.aa' 2>/dev/null; tar -czf '${dir}/${base}.small.tgz' data/deep; rm -rf t second`,
			top,
		);
		seal({ dir, base, files: [`${base}.aa`] }, 'split');
		const checked = await check();
		expect(checked.inspection?.unsafe.join('\n')).toMatch(says);
		expect(() => refuseBroken(checked)).toThrowError(expect.objectContaining({ code: 'E_BACKUP_UNSAFE' }));
	});

	test('says when a directory holds none, or is none', async () => {
		dir = join(top, 'nothing');
		mkdirSync(dir);
		writeFileSync(join(dir, 'letter'), 'hello');
		await expect(check()).rejects.toMatchObject({ code: 'E_BACKUP_NONE' });
		dir = join(dir, 'letter');
		await expect(check()).rejects.toMatchObject({ code: 'E_BACKUP_DIR' });
	});
});
