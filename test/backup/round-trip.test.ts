import { randomBytes } from 'node:crypto';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { findBackup } from '../../src/backup/backups.ts';
import { here } from '../../src/backup/here.ts';
import { restore } from '../../src/backup/restore.ts';
import { verifyBackup } from '../../src/backup/verify-backup.ts';
import { localTransport } from '../../src/transport/local.ts';
import { canBackUp, describeTree, layAwkwardTree, NEEDS, PracticeBackup } from './practice.ts';

let backup: PracticeBackup;
afterEach(() => backup.remove());

describe.skipIf(!canBackUp).each([
	['volumes of GNU tar', '/usr/bin/tar', undefined],
	['pieces that cat joins', null, undefined],
] as const)(`what the backup step writes, in %s ${NEEDS}`, (_what, gnuTar, format) => {
	test('is proven good and restored by bsdup, byte for byte', async () => {
		backup = new PracticeBackup({ format }, gnuTar);
		layAwkwardTree(backup.data);
		if (backup.split) rmSync(join(backup.data, `${'p'.repeat(60)}0`), { recursive: true });
		expect(backup.all()).toMatchObject({ status: 0 });
		expect(await verifyBackup(backup.volumes, undefined)).toMatchObject({
			base: backup.base,
			host: 'host1.example.org',
			faults: [],
			warnings: [],
		});
		const place = here(backup.volumes);
		const target = join(backup.restored, 'by-bsdup');
		await restore({
			...{ place, backup: await findBackup(place, undefined), host: localTransport({ become: 'none' }), send: false, target, paths: [] },
			...{ emit: () => {}, signal: new AbortController().signal, confirm: async () => true },
		});
		expect(describeTree(join(target, backup.data))).toEqual(describeTree(backup.data));
	});

	test('is restored by hand as its note says, also where the directory that it was copied to has blanks in its name', async () => {
		backup = new PracticeBackup({ format }, gnuTar);
		writeFileSync(join(backup.data, 'large'), randomBytes(2_500_000));
		expect(backup.all()).toMatchObject({ status: 0 });
		const copy = join(backup.top, 'MY DISK');
		cpSync(backup.volumes, copy, { recursive: true });
		expect(backup.restore(copy)).toEqual({ status: 0, said: '' });
		expect(describeTree(join(backup.restored, backup.data))).toEqual(describeTree(backup.data));
	});
});
