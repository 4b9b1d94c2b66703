import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { canBackUp, canMount, NEEDS, noise, PracticeBackup } from './practice.ts';

let backup: PracticeBackup;
afterEach(() => backup.remove());
const NOBODY = 65_534;

function make(gnuTar: string | null): string {
	backup = new PracticeBackup({}, gnuTar);
	writeFileSync(join(backup.data, 'large'), noise('large', 50_000));
	return backup.split ? 'backup-split' : 'backup';
}

describe.skipIf(!canBackUp).each([
	['volumes', '/usr/bin/tar'],
	['pieces', null],
] as const)(`a backup in %s whose target fails ${NEEDS}`, (_kind, gnuTar) => {
	test.skipIf(!canMount).each([40, 400, 1000, 1010, 2500, 3100])(
		'because it is full after %i KiB ends with that, and nothing is taken for finished (needs root or user namespaces)',
		(kib) => {
			const id = make(gnuTar);
			const { status, said } = backup.stepOnDisk(`size=${kib}k`, id);
			expect(status).not.toBe(0);
			expect(said).toMatch(/No space left|disk is full|Wrote only/i);
			expect(said).not.toContain('MANIFEST.json');
			expect(existsSync(join(backup.top, 'run/backup.SHA256'))).toBe(false);
		},
	);

	test.skipIf(!canMount)('because it is read-only ends with that (needs root or user namespaces)', () => {
		const id = make(gnuTar);
		expect(backup.stepOnDisk('ro', id)).toMatchObject({ said: expect.stringMatching(/read-only/i), status: expect.not.toBeOneOf([0]) });
	});

	test('because it was pulled out ends with an error, and the way back is to run it again', () => {
		const id = make(gnuTar);
		const first = backup.file(backup.split ? 'aa' : '1');
		const pull = `( while [ ! -f '${first}' ]; do :; done; mv '${backup.volumes}' '${backup.volumes}.gone' ) &`;
		const { status, said } = backup.step(id, 'commands', pull);
		expect(status).not.toBe(0);
		expect(said).toMatch(/gone|No such file|nonexistent/);
		expect(backup.all()).toMatchObject({ status: 0 });
	});
});

describe.skipIf(!canBackUp)(`a backup in volumes ${NEEDS}`, () => {
	test('whose disk ends them early, which GNU tar takes for their end, is an error', () => {
		make('/usr/bin/tar');
		// A write beyond the limit fails, and the rest of the disk can still be written.
		const { status, said } = backup.write("trap '' XFSZ; ulimit -f 1000");
		expect(status).not.toBe(0);
		expect(said).toContain('volume 1 was cut at 512000 bytes of 1024000');
	});
});

describe.skipIf(!canBackUp)(`what a backup cannot read ${NEEDS}`, () => {
	/** The step by somebody who is not root, who reads everything. */
	function asNobody(id: string): { status: number | null; said: string } {
		const secret = join(backup.data, 'secret');
		writeFileSync(secret, 'x');
		chmodSync(secret, 0);
		const who = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
		if (process.getuid?.() === 0) spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, backup.top]);
		const { status, stdout, stderr } = spawnSync('sh', ['-e'], { input: backup.lines(id), encoding: 'utf8', ...who });
		return { status, said: stdout + stderr };
	}

	test('is named, with the way to leave it out, and no backup without it is taken for one', () => {
		const { status, said } = asNobody(make('/usr/bin/tar'));
		expect(status).not.toBe(0);
		expect(said).toMatch(/data\/secret: Cannot open: Permission denied/);
		expect(said).toContain('mend it, or leave it out with --exclude');
	});

	test('is told at the end where base tar has one status for everything', () => {
		expect(asNobody(make(null)).status).toBe(0);
		expect(readFileSync(join(backup.top, 'run/report.backup-tar'), 'utf8')).toMatch(/tar ended with status [12] in the backup/);
	});

	test('because it is not there at all fails', () => {
		make('/usr/bin/tar');
		spawnSync('rm', ['-r', backup.data]);
		expect(backup.write().status).not.toBe(0);
	});
});
