import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildPlan } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';

/** GNU tar, and a cksum(1) that makes lists. */
const able = spawnSync('cksum', ['-a', 'sha256', '/dev/null']).status === 0 && existsSync('/usr/bin/tar');
const noise = (seed: string, blocks: number): Buffer =>
	Buffer.concat(Array.from({ length: blocks }, (_, n) => createHash('sha512').update(`${seed}${n}`).digest()));

let top: string;
let data: string;
let volumes: string;
beforeEach(() => {
	top = mkdtempSync(join(tmpdir(), 'bsdup-backup-'));
	data = join(top, 'data');
	volumes = join(top, 'volumes');
	for (const dir of [data, join(top, 'run'), join(top, 'restored')]) mkdirSync(dir);
	writeFileSync(join(data, 'large'), noise('large', 50_000));
	writeFileSync(join(data, "odd name's $(id)"), 'odd\n');
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

function plan(gnuTar: string | null): Plan {
	const backup = { paths: [data], dir: volumes, volumeKiB: 1000 };
	return buildPlan(inPlace, makeFacts({ gnuTar }), makeTarget('7.8'), makeOptions({ backup }), 'in-place');
}

/** What sh is given for a step's own lines, with the run's directory in `top`. */
const linesOf = (made: Plan, id: string, what: 'commands' | 'done' = 'commands'): string => {
	const text = made.steps.find((step) => step.id === id)?.[what] ?? '';
	return (typeof text === 'string' ? text : text.join('\n')).replaceAll(made.dir, join(top, 'run'));
};
const run = (made: Plan, id: string, what: 'commands' | 'done' = 'commands') => {
	const { status, stdout, stderr } = spawnSync('sh', ['-e'], { input: linesOf(made, id, what), encoding: 'utf8' });
	return { status, said: stdout + stderr };
};

describe.skipIf(!able)('the backup with GNU tar (needs GNU tar and coreutils 9)', () => {
	const made = (): Plan => plan('/usr/bin/tar');

	test('fits its volumes, is proven, and restores as its own note says', () => {
		expect(run(made(), 'backup')).toMatchObject({ status: 0 });
		expect(run(made(), 'backup-verify')).toMatchObject({ status: 0 });
		expect(run(made(), 'backup', 'done').status).toBe(0);
		const files = readdirSync(volumes).filter((name) => /\.\d+$/.test(name));
		expect(files.length).toBeGreaterThan(2);
		for (const file of files) expect(statSync(join(volumes, file)).size).toBeLessThanOrEqual(1030 * 1024);
		const note = readdirSync(volumes).find((name) => name.endsWith('RECOVERY.txt')) ?? '';
		const line = readFileSync(join(volumes, note), 'utf8')
			.split('\n')[2]
			?.replace('gtar', 'tar')
			.replace('-C /', `-C ${join(top, 'restored')}`);
		expect(spawnSync('sh', ['-c', line ?? ''], { cwd: volumes }).status).toBe(0);
		for (const name of readdirSync(data))
			expect(readFileSync(join(top, 'restored', data, name)).equals(readFileSync(join(data, name)))).toBe(true);
	});

	test('takes a file that grows while it is read, and tells it instead of failing', async () => {
		const grows = spawn('sh', ['-c', `while :; do echo x >>'${join(data, 'large')}'; done`]);
		try {
			expect(run(made(), 'backup')).toMatchObject({ status: 0, said: expect.stringContaining('changed as we read it') });
			expect(run(made(), 'backup-verify')).toMatchObject({ status: 0 });
		} finally {
			grows.kill();
		}
		expect(readFileSync(join(top, 'run/report.backup'), 'utf8')).toMatch(/^changed since the backup: .*large/m);
	});

	test('fails when what is to be backed up is not there', () => {
		rmSync(data, { recursive: true });
		expect(run(made(), 'backup').status).not.toBe(0);
	});

	test.each([
		['is missing', (volume: string) => rmSync(volume)],
		['was cut off', (volume: string) => writeFileSync(volume, readFileSync(volume).subarray(0, 500_000))],
	])('is not proven when a volume %s, nor done', (_what, harm) => {
		expect(run(made(), 'backup').status).toBe(0);
		harm(join(volumes, readdirSync(volumes).find((name) => name.endsWith('.2')) ?? ''));
		expect(run(made(), 'backup', 'done').status).not.toBe(0);
		expect(run(made(), 'backup-verify').status).not.toBe(0);
	});

	test('leaves an older backup in the same place alone', () => {
		mkdirSync(volumes);
		writeFileSync(join(volumes, 'bsdup-20200101000000-host1.1'), 'older\n');
		expect(run(made(), 'backup').status).toBe(0);
		expect(readFileSync(join(volumes, 'bsdup-20200101000000-host1.1'), 'utf8')).toBe('older\n');
	});
});

describe.skipIf(!able)('the backup without GNU tar (needs coreutils 9)', () => {
	test('is pieces that cat joins, and restores as its own note says', () => {
		expect(run(plan(null), 'backup-split')).toMatchObject({ status: 0 });
		expect(run(plan(null), 'backup-split', 'done').status).toBe(0);
		const note = readdirSync(volumes).find((name) => name.endsWith('RECOVERY.txt')) ?? '';
		const line = /cat .*$/.exec(readFileSync(join(volumes, note), 'utf8').trim())?.[0].replace('-C /', `-C ${join(top, 'restored')}`);
		expect(spawnSync('sh', ['-c', line ?? ''], { cwd: volumes }).status).toBe(0);
		expect(readFileSync(join(top, 'restored', data, 'large')).equals(readFileSync(join(data, 'large')))).toBe(true);
	});

	test('tells that tar complained, and stops when the pieces cannot be read to their end', () => {
		appendFileSync(join(data, 'large'), 'x');
		const lines = linesOf(plan(null), 'backup-split');
		const told = spawnSync('sh', ['-e'], {
			input: `tar() { command tar "$@"; case $1 in -cf) return 1 ;; esac; }\n${lines}`,
			encoding: 'utf8',
		});
		expect(told.status).toBe(0);
		expect(readFileSync(join(top, 'run/report.backup'), 'utf8')).toContain('tar ended with status 1');
		const torn = spawnSync('sh', ['-e'], {
			input: `split() { command split "$@"; for f in ${volumes}/*.ab; do : >"$f"; done; }\n${lines}`,
		});
		expect(torn.status).not.toBe(0);
	});
});
