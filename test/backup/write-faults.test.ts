import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
			// What is not finished has `part` in its name.
			expect(said).not.toMatch(/\.(MANIFEST\.json|LIST|SHA256)$/m);
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

describe.skipIf(!canBackUp)(`a backup in volumes of files far below ${NEEDS}`, () => {
	// GNU tar holds a descriptor for each directory it is in, so the one of the volume script has two digits.
	test('goes on from volume to volume in the midst of them, and is read back', () => {
		make('/usr/bin/tar');
		const deep = join(backup.data, 'a/b/c/d/e/f/g/h');
		mkdirSync(deep, { recursive: true });
		writeFileSync(join(deep, 'large'), noise('deep', 2_500_000));
		expect(backup.all()).toMatchObject({ status: 0 });
		expect(['1', '2', '3'].map((volume) => existsSync(backup.file(volume)))).toEqual([true, true, true]);
	});
});

describe.skipIf(!canBackUp)(`a backup in volumes that another attempt makes anew ${NEEDS}`, () => {
	test('is not gone on with by the tar of the one before', () => {
		make('/usr/bin/tar');
		expect(backup.write()).toMatchObject({ status: 0 });
		const late = backup.file('part1');
		writeFileSync(late, 'late');
		writeFileSync(join(backup.top, 'run/backup.attempt'), '2\n');
		const tar = { TAR_ARCHIVE: late, TAR_VOLUME: '10', TAR_SUBCOMMAND: '-c', TAR_FD: '1' };
		const ours = { BSDUP_BYTES: '4', BSDUP_ATTEMPT: join(backup.top, 'run/backup.attempt') };
		const env = { PATH: `${backup.top}/bin:${process.env['PATH']}`, ...tar, ...ours };
		const { status, stdout, stderr } = spawnSync('sh', [join(backup.top, 'run/volume.sh')], { encoding: 'utf8', env });
		expect([status, stdout, stderr]).toEqual([1, '', 'another attempt has begun\n']);
		expect(existsSync(backup.file('9'))).toBe(false);
	});
});

describe.skipIf(!canBackUp)(`a backup in pieces ${NEEDS}`, () => {
	test('has no list by its name that was not read to its end', () => {
		make(null);
		const { status } = backup.write('tar() { case $1 in -tf) echo begun; return 1 ;; *) command tar "$@" ;; esac; }');
		expect(status).not.toBe(0);
		expect([existsSync(backup.file('LIST.part1')), existsSync(backup.file('LIST'))]).toEqual([true, false]);
	});
});

describe.skipIf(!canBackUp)(`the end of a backup ${NEEDS}`, () => {
	/** All steps before the last. */
	function begun(): void {
		make('/usr/bin/tar');
		for (const id of ['backup', 'backup-verify', 'keep', 'backup-note', 'backup-words'])
			expect(backup.step(id)).toMatchObject({ status: 0 });
	}

	test('that is killed while it writes what the backup holds leaves none that says it is finished', () => {
		begun();
		// Counting the lines is the last that the description waits for.
		expect(backup.step('backup-finish', 'commands', 'wc() { kill -KILL $$; }').status).not.toBe(0);
		expect([existsSync(backup.file('MANIFEST.json.part')), existsSync(backup.file('MANIFEST.json'))]).toEqual([true, false]);
		expect(backup.step('backup-finish')).toMatchObject({ status: 0 });
		expect(backup.manifest()['changed']).toBe(0);
	});

	test('that is cut before it has told where the backup is tells it the next time', () => {
		begun();
		const cut = 'sync() { ! ls *.MANIFEST.json >/dev/null 2>&1 || kill -KILL $$; }';
		expect(backup.step('backup-finish', 'commands', cut).status).not.toBe(0);
		expect(existsSync(backup.file('MANIFEST.json'))).toBe(true);
		expect(backup.step('backup-finish', 'done').status).not.toBe(0);
		expect(backup.step('backup-finish')).toMatchObject({ status: 0 });
		expect(backup.step('backup-finish', 'done').status).toBe(0);
		expect(readFileSync(join(backup.top, 'run/report.backup'), 'utf8')).toMatch(/^the backup is /);
	});

	test('that cannot lay its files leaves those of an older backup in the same place whole', () => {
		begun();
		const shared = join(backup.volumes, 'volume.sh');
		writeFileSync(shared, 'of an older backup\n');
		const torn = 'cp() { case $2 in volume.sh*) echo torn >"$2"; return 1 ;; *) command cp "$@" ;; esac; }';
		expect(backup.step('backup-finish', 'commands', torn).status).not.toBe(0);
		expect(readFileSync(shared, 'utf8')).toBe('of an older backup\n');
	});

	// sh -e of OpenBSD goes on where a function ends in a list whose first part failed (ksh, exec.c: comexec hands xerrok on).
	test('that cannot lay its files is none, whatever sh -e makes of it', () => {
		begun();
		const full = 'set +e; cp() { case $2 in volume.sh*) return 1 ;; *) command cp "$@" ;; esac; }';
		expect(backup.step('backup-finish', 'commands', full).status).not.toBe(0);
		expect(existsSync(backup.file('MANIFEST.json'))).toBe(false);
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
		const told = readFileSync(join(backup.top, 'run/report.backup-tar'), 'utf8');
		expect(told).toMatch(/^tar ended with status [12] in the backup; it said:\n {2}.*data\/secret.*\n/);
	});

	test('by base tar is told, the first of it where it is much', () => {
		make(null);
		for (let n = 0; n < 30; n++) writeFileSync(join(backup.data, `${n}${'x'.repeat(120)}`), 'x');
		expect(backup.write(`tar() { command tar --format=ustar "$@"; }`).status).toBe(0);
		const told = readFileSync(join(backup.top, 'run/report.backup-tar'), 'utf8').split('\n');
		expect(told).toHaveLength(23);
		expect(told[1]).toMatch(/^ {2}.*data\/\d+x+: /);
		expect(told[21]).toMatch(/^ {2}and more: 3\d lines in all, in .*backup\.said$/);
	});

	test('because it is not there at all fails', () => {
		make('/usr/bin/tar');
		spawnSync('rm', ['-r', backup.data]);
		expect(backup.write().status).not.toBe(0);
	});
});
