import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pieceSuffix } from '../../src/backup/pieces.ts';
import { shown } from '../../src/backup/shown.ts';
import { TarWalk } from '../../src/backup/tar-walk.ts';
import { ROOT } from '../lab/root.ts';
import { canBackUp, canMount, describeTree, layAwkwardTree, noise } from './practice.ts';

const DRIVER = join(ROOT, 'dist/test/backup/stream-driver.js');

let top: string;
beforeEach(() => {
	top = mkdtempSync(join(tmpdir(), 'bsdup-stream-'));
	for (const dir of ['run', 'data', 'back']) mkdirSync(join(top, dir));
	writeFileSync(join(top, 'run/etc.tgz'), 'small');
	writeFileSync(join(top, 'run/backup.recovery'), 'how\n');
	writeFileSync(join(top, 'data/large'), noise('large', 20_000));
});
afterEach(() => rmSync(top, { recursive: true, force: true, maxRetries: 20 }));

const archive = (): string => `cd '${top}' && tar -cf - data`;
const stream = (command = archive(), kib = 100, total = '1000') => {
	const { status, stdout, stderr } = spawnSync(process.execPath, [DRIVER, top, command, String(kib), total], { encoding: 'utf8' });
	return { status, said: stdout + stderr };
};
const here = (): string[] => readdirSync(join(top, 'here')).sort();
const about = () => JSON.parse(readFileSync(join(top, 'here/b.MANIFEST.json'), 'utf8'));

describe.skipIf(!existsSync(DRIVER) || !canBackUp)('a backup streamed to this machine (needs npm run build, GNU tar)', () => {
	test('is pieces of one size that cat joins, each with its hash, and a manifest that tells them', () => {
		layAwkwardTree(join(top, 'data'));
		expect(stream(undefined, 1000)).toEqual({ status: 0, said: '' });
		const { volumes, bytes, small } = about();
		expect(volumes.slice(0, -1).every((volume: { bytes: number }) => volume.bytes === 1000 * 1024)).toBe(true);
		for (const { file, sha256 } of volumes)
			expect(
				createHash('sha256')
					.update(readFileSync(join(top, 'here', file)))
					.digest('hex'),
			).toBe(sha256);
		expect(bytes).toBe(volumes.reduce((sum: number, volume: { bytes: number }) => sum + volume.bytes, 0));
		expect(small).toEqual({ file: 'b.small.tgz', sha256: createHash('sha256').update('small').digest('hex') });
		expect(spawnSync('sh', ['-c', 'cksum -c b.SHA256 && cat b.?? | tar -C ../back -xpf -'], { cwd: join(top, 'here') }).status).toBe(0);
		expect(describeTree(join(top, 'back/data'))).toEqual(describeTree(join(top, 'data')));
		const { stdout } = spawnSync('sh', ['-c', 'cat b.?? | tar -tf -'], { cwd: join(top, 'here'), encoding: 'utf8' });
		expect(readFileSync(join(top, 'here/b.LIST'), 'utf8')).toBe(stdout);
	});

	test('is for its owner alone', () => {
		expect(stream().status).toBe(0);
		expect(statSync(join(top, 'here')).mode & 0o777).toBe(0o700);
		for (const file of here()) expect(statSync(join(top, 'here', file)).mode & 0o777).toBe(0o600);
	});

	test.each<[string, (data: string) => string, RegExp]>([
		['when the archive is cut', (data) => `${data} | head -c 300000`, /E_BACKUP_ARCHIVE: .*does not end here/],
		['when something else comes', () => 'head -c 5000 /dev/urandom', /E_BACKUP_ARCHIVE: .*no tar archive/],
		['when nothing comes', () => ':', /E_BACKUP_ARCHIVE/],
		['when tar fails', (data) => `{ ${data}; }; exit 2`, /E_STEP: .*status 2/],
		['when tar is killed', (data) => `{ ${data}; }; kill -9 $$`, /E_STEP: .*SIGKILL/],
	])('is not taken for finished %s', (_when, command, says) => {
		const { status, said } = stream(command(archive()));
		expect(status).toBe(1);
		expect(said).toMatch(says);
		expect(here()).not.toContain('b.MANIFEST.json');
	});

	test('says so when tar complained', () => {
		expect(stream(`{ ${archive()}; }; echo 'tar: data/log: File changed' >&2; exit 1`)).toEqual({ status: 0, said: '' });
		expect(readFileSync(join(top, 'here/b.SAID'), 'utf8')).toContain('File changed');
		expect(readFileSync(join(top, 'run/report.backup'), 'utf8')).toContain('tar complained while it read');
	});

	test('is refused before it begins where it would not fit', () => {
		const { status, said } = stream(undefined, 100, '1000000000000000');
		expect(status).toBe(1);
		expect(said).toMatch(/E_BACKUP_SPACE: \d+ MiB to back up, \d+ MiB free/);
		expect(existsSync(join(top, 'here'))).toBe(false);
	});

	test('is refused before a byte is written where its pieces would have no names', () => {
		expect(stream(undefined, 1, '692225')).toMatchObject({
			said: expect.stringContaining('E_BACKUP_PIECES: the backup needs more than 676 pieces'),
		});
		expect(existsSync(join(top, 'here'))).toBe(false);
	});

	test.skipIf(!canMount).each([20, 100, 150, 1000])('ends with a clear error when the disk is full after %i KiB', (kib) => {
		mkdirSync(join(top, 'here'));
		const enter = `mount -t tmpfs -o size=${kib}k tmpfs "$1/here" || exit 99; "$2" "$3" "$1" "$4" 100; rc=$?; ls "$1/here"; exit $rc`;
		const as = process.getuid?.() === 0 ? [] : ['-r'];
		const argv = [...as, '--mount', 'sh', '-c', enter, 'sh', top, process.execPath, DRIVER, archive()];
		const { status, stdout } = spawnSync('unshare', argv, { encoding: 'utf8' });
		expect(status).toBe(1);
		expect(stdout).toMatch(/E_BACKUP_TARGET: .*the disk is full/);
		expect(stdout).not.toContain('MANIFEST');
	});

	test.each([0, 1, 2, 3, 4, 5, 6, 7])('goes on after kill -9 of the controller, moment %i, and comes to the same', async (seed) => {
		const began = performance.now();
		if (seed === 0) expect(stream().status).toBe(0);
		const ms = Math.max(300, performance.now() - began);
		rmSync(join(top, 'here'), { recursive: true, force: true });
		const child = spawn(process.execPath, [DRIVER, top, archive(), '100'], { stdio: 'ignore' });
		const ended = new Promise((resolve) => child.once('exit', resolve));
		await sleep(100 + (noise(`moment ${seed}`, 1).readUInt32LE() / 2 ** 32) * ms);
		child.kill('SIGKILL');
		await ended;
		expect(stream()).toEqual({ status: 0, said: '' });
		expect(here().filter((file) => file.endsWith('.part'))).toEqual([]);
		const whole = spawnSync('sh', ['-c', archive()], { maxBuffer: 1e8 }).stdout;
		const joined = Buffer.concat(about().volumes.map(({ file }: { file: string }) => readFileSync(join(top, 'here', file))));
		expect(joined.equals(whole)).toBe(true);
	});

	test('that is there whole already is not read again', () => {
		expect(stream().status).toBe(0);
		expect(stream('exit 3')).toEqual({ status: 0, said: '' });
	});
});

describe('the pieces of a stream', () => {
	test('are named as split names them', () => {
		expect([0, 1, 25, 26, 675].map(pieceSuffix)).toEqual(['aa', 'ab', 'az', 'ba', 'zz']);
	});
});

describe.skipIf(!canBackUp)('the members of an archive (needs GNU tar)', () => {
	test.each(['ustar', 'gnu', 'pax'])('are told as tar lists them, in the format %s, wherever the stream is cut into pieces', (format) => {
		for (const [name, text] of [
			['new\nline\\', 'x'],
			['ü', ''],
			[`${'long'.repeat(20)}`, 'y'.repeat(600)],
		] as const)
			writeFileSync(join(top, 'data', name), text);
		if (format !== 'ustar') {
			mkdirSync(join(top, 'data', 'd'.repeat(200), 'e'.repeat(200)), { recursive: true });
			writeFileSync(join(top, 'data', 'd'.repeat(200), 'e'.repeat(200), 'deep'), '');
		}
		const bytes = spawnSync('sh', ['-c', `cd '${top}' && tar --format=${format} -cf - data`], { maxBuffer: 1e8 }).stdout;
		const listed = spawnSync('tar', ['--quoting-style=escape', '-tf', '-'], { input: bytes, encoding: 'utf8' }).stdout;
		for (const step of [1, 511, 700, bytes.length]) {
			let names = '';
			const walk = new TarWalk(false, ({ name }) => {
				names += `${shown(name)}\n`;
			});
			const part = step === 1 ? bytes.subarray(0, 6000) : bytes;
			for (let at = 0; at < part.length; at += step) walk.write(part.subarray(at, at + step));
			if (step === 1) continue;
			walk.finish();
			expect(walk.fault).toBeNull();
			expect(Buffer.from(names).toString()).toBe(unescapeOctal(listed));
		}
	});
});

/** GNU tar in the C locale tells bytes beyond ASCII in octal. */
function unescapeOctal(text: string): string {
	const bytes = text.replace(/\\([0-3][0-7]{2})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
	return bytes === text ? text : Buffer.from(bytes, 'latin1').toString('utf8');
}
