import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { backupReportLines, verifyBackup } from '../../src/backup/verify-backup.ts';
import { runVerifyBackup } from '../../src/cli/verify-backup.ts';
import { GNU_TAR, makeBackup, makeTree, sh } from './volumes.ts';

const BASE = 'bsdup-20261125-db1';

describe.skipIf(GNU_TAR === null)('the proof of an old backup (needs GNU tar)', () => {
	let top: string;
	let dir: string;
	const at = (end: string): string => join(dir, `${BASE}.${end}`);
	beforeAll(() => {
		top = mkdtempSync(join(tmpdir(), 'bsdup-proof-'));
		makeTree(top);
		for (const kind of ['gnu-multivolume', 'split'] as const) makeBackup(top, join(top, kind), kind);
	});
	afterAll(() => rmSync(top, { recursive: true, force: true }));

	describe.each(['gnu-multivolume', 'split'] as const)('of %s volumes', (kind) => {
		const second = kind === 'split' ? 'ab' : '2';
		beforeEach(() => {
			dir = join(top, 'work');
			rmSync(dir, { recursive: true, force: true });
			cpSync(join(top, kind), dir, { recursive: true });
		});

		test('finds a good one good, telling how far it is', async () => {
			const seen: number[] = [];
			const report = await verifyBackup(dir, undefined, { onBytes: (done, total) => seen.push(done / total) });
			expect(report).toMatchObject({ base: BASE, host: 'db1', made: '2026-11-25T10:00:00Z', warnings: [], faults: [], changed: 0 });
			expect(seen.at(-1)).toBe(1);
			expect(seen.length).toBeGreaterThanOrEqual(report.volumes);
			expect(backupReportLines(report).at(-1)).toBe('the backup is good');
		});

		test.each<[what: string, harm: () => void, file: string, says: string]>([
			['a volume is missing', () => rmSync(at(second)), second, 'missing'],
			['a volume is cut off', () => truncateSync(at(second), 99), second, 'cut off'],
			['a volume is longer', () => appendFileSync(at(second), 'x'), second, 'longer'],
			['a byte is another', () => flip(at(second)), second, 'its bytes are not those'],
			[
				'the list lacks a member',
				() => writeFileSync(at('LIST'), readFileSync(at('LIST'), 'utf8').replace(/^.*\n/, '')),
				'LIST',
				'it lists',
			],
			[
				'the list has another name',
				() => writeFileSync(at('LIST'), readFileSync(at('LIST'), 'utf8').replace('setuid', 'setgid')),
				'LIST',
				'under other names',
			],
			['the small archive is cut off', () => truncateSync(at('small.tgz'), 30), 'small.tgz', 'cut off'],
			['the small archive is another', () => sh(`tar -czf ${at('small.tgz')} -C / etc/passwd`), 'small.tgz', 'its bytes are not those'],
			['the small archive is missing', () => rmSync(at('small.tgz')), 'small.tgz', 'missing'],
			['the note is missing', () => rmSync(at('RECOVERY.txt')), 'RECOVERY.txt', 'missing'],
		])('tells that %s', async (_what, harm, file, says) => {
			harm();
			const report = await verifyBackup(dir, undefined);
			expect(report.faults).toEqual([{ file: `${BASE}.${file}`, says: expect.stringContaining(says), fix: expect.any(String) }]);
			expect(backupReportLines(report).join('\n')).toContain(`wrong: ${BASE}.${file}`);
		});

		test('takes a list of a base tar, which escapes nothing', async () => {
			const raw = sh(
				`${kind === 'split' ? `cat ${BASE}.?? |` : ''} tar --quoting-style=literal -t${kind === 'split' ? 'f -' : `Mf ${BASE}.1 -F 'sh ${dir}/volume.sh'`} 2>/dev/null`,
				dir,
			);
			writeFileSync(at('LIST'), raw);
			expect((await verifyBackup(dir, undefined)).faults).toEqual([]);
		});
	});

	test('warns of one that was not finished, and of one made by hand', async () => {
		dir = join(top, 'unfinished');
		cpSync(join(top, 'gnu-multivolume'), dir, { recursive: true });
		rmSync(at('MANIFEST.json'));
		expect(await verifyBackup(dir, undefined)).toMatchObject({ faults: [], warnings: [expect.stringContaining('not finished')] });
		for (const end of ['SHA256', 'LIST', 'RECOVERY.txt', 'small.tgz']) rmSync(at(end));
		expect(await verifyBackup(dir, undefined)).toMatchObject({ faults: [], warnings: [expect.stringContaining('made by hand')] });
	});

	test('tells a person how far it is and what it found, and sets the exit status', async () => {
		dir = join(top, 'told');
		cpSync(join(top, 'split'), dir, { recursive: true });
		const told: string[] = [];
		const good = await runVerifyBackup(dir, undefined, true, (line) => told.push(line));
		expect([good.faults, told.at(-1), process.exitCode ?? 0]).toEqual([[], 'the backup is good', 0]);
		rmSync(at('RECOVERY.txt'));
		await runVerifyBackup(dir, undefined, true, (line) => told.push(line));
		expect([told.at(-1), process.exitCode]).toEqual(['the backup is not good: 1 wrong', 1]);
		process.exitCode = 0;
	});

	test('ends at the reason of its signal', async () => {
		const signal = AbortSignal.abort(new Error('enough'));
		await expect(verifyBackup(join(top, 'split'), undefined, { signal })).rejects.toThrow('enough');
	});

	test('ends at Ctrl-C within a volume, and takes that for no fault of the disk', async () => {
		const stop = new AbortController();
		const work = verifyBackup(join(top, 'split'), undefined, { signal: stop.signal, onBytes: () => stop.abort() });
		await expect(work).rejects.toMatchObject({ name: 'AbortError' });
	});

	const flip = (file: string): void => {
		const bytes = readFileSync(file);
		bytes[50_000] = (bytes[50_000] ?? 0) ^ 4;
		writeFileSync(file, bytes);
	};
});
