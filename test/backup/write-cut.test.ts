import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canBackUp, NEEDS, noise, PracticeBackup } from './practice.ts';

/** A number below 1 from a seed, the same every time. */
const random = (seed: number): number => noise(`moment ${seed}`, 1).readUInt32LE() / 2 ** 32;

describe.skipIf(!canBackUp).each([
	['volumes', '/usr/bin/tar', 28],
	['pieces', null, 14],
] as const)(`a backup in %s that was killed ${NEEDS}`, (_kind, gnuTar, moments) => {
	let backup: PracticeBackup;
	let id: string;
	/** What an undisturbed one comes to, and how long it takes. */
	let whole: string;
	let ms: number;
	beforeAll(() => {
		backup = new PracticeBackup({ volumeKiB: 200 }, gnuTar);
		id = backup.split ? 'backup-split' : 'backup';
		writeFileSync(join(backup.data, 'large'), noise('large', 20_000));
		for (let n = 0; n < 50; n++) writeFileSync(join(backup.data, `small ${n}`), `${n}\n`);
		const began = performance.now();
		expect(backup.write()).toMatchObject({ status: 0 });
		ms = performance.now() - began;
		whole = readFileSync(backup.file('SHA256'), 'utf8');
	});
	afterAll(() => backup?.remove());

	// Every other time only the shell dies, and tar goes on alone beside the next attempt.
	test.each(Array.from({ length: moments }, (_, seed) => seed))('at moment %i is made anew, and comes to the same', async (seed) => {
		const child = spawn('sh', ['-e'], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
		child.stdin.end(backup.lines(id));
		const ended = new Promise((resolve) => child.once('exit', resolve));
		await sleep(random(seed) * ms);
		try {
			process.kill(seed % 2 === 0 ? -(child.pid ?? 0) : (child.pid ?? 0), 'SIGKILL');
		} catch {
			// it was faster
		}
		await ended;
		// Never taken for done unless it is whole.
		if (backup.step(id, 'done').status === 0) expect(readFileSync(backup.file('SHA256'), 'utf8')).toBe(whole);
		expect(backup.write()).toMatchObject({ status: 0 });
		expect(readFileSync(backup.file('SHA256'), 'utf8')).toBe(whole);
		expect(backup.step(id, 'done').status).toBe(0);
	});

	test('and then finished is proven, described and restorable', () => {
		expect(backup.all()).toMatchObject({ status: 0 });
		expect(
			backup
				.manifest()
				.volumes.map(({ file, sha256 }) => `SHA256 (${file}) = ${sha256}\n`)
				.join(''),
		).toBe(whole);
		expect(backup.restore()).toEqual({ status: 0, said: '' });
	});
});
