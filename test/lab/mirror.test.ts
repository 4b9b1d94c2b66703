import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publicKeyText } from './keys.ts';
import { type Mirror, publish, serveMirror } from './mirror.ts';
import { RELEASES, type ReleaseName } from './releases.ts';
import { ROOT } from './root.ts';
import { setsOf } from './tree.ts';

const signify = '/usr/bin/signify-openbsd';
const names: ReleaseName[] = ['7.8', '7.9-beta', '4.9-newer'];
let top = '';
const folder = (name: ReleaseName): string => join(top, RELEASES[name].folder);
const members = (name: ReleaseName): string[] =>
	execFileSync('tar', ['-tzf', join(folder(name), `base${RELEASES[name].suffix}.tgz`)], { encoding: 'utf8' })
		.trimEnd()
		.split('\n');

beforeAll(() => {
	top = mkdtempSync(join(tmpdir(), 'bsdup-mirror-test-'));
	for (const name of names) publish(top, name);
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

describe('what a practice mirror holds', () => {
	test.each(names)('%s: the list names every file but itself, with its hash', (name) => {
		const dir = folder(name);
		const about = /^(SHA256(\.sig)?|index\.txt)$/;
		const lines = readdirSync(dir)
			.filter((file) => !about.test(file))
			.map(
				(file) =>
					`SHA256 (${file}) = ${createHash('sha256')
						.update(readFileSync(join(dir, file)))
						.digest('hex')}`,
			);
		expect(readFileSync(join(dir, 'SHA256'), 'utf8').trimEnd().split('\n').sort()).toEqual(lines.sort());
	});

	test.each(names)('%s: index.txt shows the names and sizes an installer looks for', (name) => {
		const dir = folder(name);
		const index = readFileSync(join(dir, 'index.txt'), 'utf8');
		const base = `base${RELEASES[name].suffix}.tgz`;
		expect(index).toMatch(new RegExp(`^-rw-r--r-- .* ${readFileSync(join(dir, base)).length} .* ${base.replace('.', '\\.')}$`, 'm'));
		expect(index).toMatch(/ SHA256$/m);
	});

	test.each(names)('%s: shared libraries come first in base', (name) => {
		const isLibrary = members(name).map((path) => /^\.\/usr\/lib\/lib/.test(path));
		const last = isLibrary.lastIndexOf(true);
		expect(last).toBeGreaterThan(0);
		expect(isLibrary.slice(0, last)).not.toContain(false);
	});

	test('the suffix of the snapshot moved, its list is signed with the moved key, and the release before brings that key', () => {
		const snapshot = join(top, 'snapshots/amd64');
		expect(readdirSync(snapshot).filter((file) => /^base/.test(file))).toEqual(['base79.tgz']);
		expect(readFileSync(join(snapshot, 'SHA256.sig'), 'utf8').split('\n')[0]).toBe('untrusted comment: verify with openbsd-79-base.pub');
		const keys = (setsOf(RELEASES['7.8'])['base'] ?? []).map(({ path }) => path).filter((path) => path.includes('signify/'));
		expect(keys).toContain('etc/signify/openbsd-79-base.pub');
	});

	test('a modern base carries etc.tgz and there is no etc set; the old era has etc sets and no signature', () => {
		expect(members('7.8')).toContain('./var/sysmerge/etc.tgz');
		expect(existsSync(join(folder('7.8'), 'etc78.tgz'))).toBe(false);
		for (const set of ['etc49.tgz', 'xetc49.tgz']) expect(existsSync(join(folder('4.9-newer'), set))).toBe(true);
		expect(existsSync(join(folder('4.9-newer'), 'SHA256.sig'))).toBe(false);
	});

	test('publishing the same release twice gives the same lists', () => {
		const again = mkdtempSync(join(tmpdir(), 'bsdup-mirror-test-'));
		try {
			publish(again, '7.8');
			expect(readFileSync(join(again, '7.8/amd64/SHA256.sig'), 'utf8')).toBe(readFileSync(join(folder('7.8'), 'SHA256.sig'), 'utf8'));
		} finally {
			rmSync(again, { recursive: true, force: true });
		}
	});
});

const standIn = join(ROOT, 'dist/test/lab/signify.js');
const SIGNIFY: [name: string, command: string[]][] = [
	['the real signify (needs signify-openbsd)', [signify]],
	['what stands for it where it is missing', [process.execPath, standIn]],
];
for (const [name, command] of SIGNIFY)
	describe.skipIf(!command.every((file) => existsSync(file)))(name, () => {
		const run = (release: ReleaseName, key: string, ...args: string[]) => {
			const pub = join(top, `openbsd-${key}-base.pub`);
			writeFileSync(pub, publicKeyText(key));
			const [program = '', ...first] = command;
			return spawnSync(program, [...first, args[0] ?? '', '-p', pub, ...args.slice(1)], { cwd: folder(release), encoding: 'utf8' });
		};

		test.each(['7.8', '7.9-beta'] as const)('%s: verifies the list and extracts it unchanged', (release) => {
			const out = join(top, 'extracted');
			const { status, stdout } = run(release, RELEASES[release].suffix, '-Ve', '-x', 'SHA256.sig', '-m', out);
			expect([status, stdout]).toEqual([0, 'Signature Verified\n']);
			expect(readFileSync(out, 'utf8')).toBe(readFileSync(join(folder(release), 'SHA256'), 'utf8'));
		});

		test('refuses the key of another release', () => {
			expect(run('7.8', '77', '-Ve', '-x', 'SHA256.sig', '-m', join(top, 'extracted')).status).not.toBe(0);
		});

		test('-C passes every set, and fails one that grew', () => {
			expect(run('7.8', '78', '-C', '-x', 'SHA256.sig').status).toBe(0);
			const set = join(folder('7.8'), 'man78.tgz');
			const whole = readFileSync(set);
			appendFileSync(set, 'x');
			const { status, stdout, stderr } = run('7.8', '78', '-C', '-x', 'SHA256.sig', 'man78.tgz', 'bsd.rd');
			writeFileSync(set, whole);
			expect(status).toBe(1);
			expect(stdout + stderr).toMatch(/man78\.tgz: FAIL/);
			expect(stdout).toContain('bsd.rd: OK');
		});
	});

describe('a served mirror', () => {
	let mirror: Mirror;
	beforeAll(async () => {
		mirror = await serveMirror(top);
	});
	afterAll(() => mirror.stop());

	test('gives the rest of a file from where a client broke off', async () => {
		const whole = readFileSync(join(folder('7.9-beta'), 'bsd.rd'));
		const answer = await fetch(`${mirror.url}/snapshots/amd64/bsd.rd`, { headers: { range: 'bytes=1000-' } });
		expect(answer.status).toBe(206);
		expect(Buffer.from(await answer.arrayBuffer()).equals(whole.subarray(1000))).toBe(true);
	});

	test('says that a file is not here, and shows nothing above its top', async () => {
		expect((await fetch(`${mirror.url}/7.8/amd64/base99.tgz`)).status).toBe(404);
		expect((await fetch(`${mirror.url}/..%2f..%2f..%2f..%2fetc%2fpasswd`)).status).toBe(404);
	});
});
