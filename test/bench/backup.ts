import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PracticeBackup } from '../backup/practice.ts';

const RUNS = 3;
const VOLUME_KIB = 256_000;

/**
 * The backup of a 1 GiB tree by the step's own lines, beside plain `tar -M -L` and sha256sum of its volumes, and its comparison beside
 * `tar -d`; in turn, the median of three. `show` prints a figure and its bound.
 */
export function benchBackup(show: (what: string, figure: number, bound: number, unit: string) => void): void {
	const backup = new PracticeBackup({ volumeKiB: VOLUME_KIB });
	const peer = mkdtempSync(join(tmpdir(), 'bsdup-peer-'));
	try {
		makeTree(backup.data);
		const timed: Record<'write' | 'compare' | 'tar' | 'diff', number[]> = { write: [], compare: [], tar: [], diff: [] };
		const time = (what: keyof typeof timed, act: () => number | null): void => {
			const began = performance.now();
			if (act() !== 0) throw new Error(`${what} failed`);
			timed[what].push(performance.now() - began);
		};
		const script = join(peer, 'next.sh');
		const volumes = `-M -L ${VOLUME_KIB} -F 'sh ${script}' -f ${peer}/p.1`;
		spawnSync('sh', ['-c', `echo 'eval "printf %s \\"\\\${TAR_ARCHIVE%.*}.$TAR_VOLUME\\" >&$TAR_FD"' >${script}`]);
		for (let n = 0; n < RUNS; n++) {
			spawnSync('sh', ['-c', `rm -f ${peer}/p.*; sync`]);
			time('tar', () => spawnSync('sh', ['-c', `cd / && tar -c ${volumes} ${backup.data.slice(1)} && sha256sum ${peer}/p.*`]).status);
			time('diff', () => spawnSync('sh', ['-c', `cd / && tar -d ${volumes}`]).status);
			spawnSync('sync');
			time('write', () => backup.write().status);
			time('compare', () => backup.step('backup-verify').status);
		}
		show('backup of 1 GiB beside tar -M -L and sha256sum', median(timed.write) / median(timed.tar), 1.3, 'times');
		show('its comparison beside tar -d', median(timed.compare) / median(timed.diff), 1.2, 'times');
	} finally {
		backup.remove();
		rmSync(peer, { recursive: true, force: true });
	}
}

function median(values: number[]): number {
	return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** 1 GiB: a few large files, many small ones. */
function makeTree(dir: string): void {
	for (let n = 0; n < 8; n++) {
		mkdirSync(join(dir, String(n)));
		const lines = `head -c 117440512 /dev/urandom >large; for i in $(seq 100); do head -c 167772 large >small.$i; done`;
		spawnSync('sh', ['-c', lines], { cwd: join(dir, String(n)) });
	}
}
