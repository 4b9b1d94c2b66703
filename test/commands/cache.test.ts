import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entryPath } from '../../src/cache/place.ts';
import { ROOT } from '../lab/root.ts';

const CLI = join(ROOT, 'dist/src/cli.js');

describe.skipIf(!existsSync(CLI))('bsdup cache (needs npm run build)', () => {
	let dir: string;
	beforeAll(() => {
		dir = mkdtempSync(join(tmpdir(), 'bsdup-cache-command-'));
		mkdirSync(join(dir, 'bsdup'));
	});
	afterAll(() => rmSync(dir, { recursive: true, force: true }));
	const bsdup = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
		spawnSync(process.execPath, [CLI, 'cache', ...args], {
			encoding: 'utf8',
			env: { ...process.env, BSDUP_CACHE: join(dir, 'cache'), XDG_CONFIG_HOME: dir },
		});

	test('lists what is kept, and prunes it to the bound of the config file or of a flag', () => {
		const sha256 = createHash('sha256').update('the file').digest('hex');
		const path = entryPath(join(dir, 'cache'), sha256);
		mkdirSync(dirname(path), { recursive: true });
		writeFileSync(path, 'the file');
		writeFileSync(`${path}.json`, '{"name":"base78.tgz","from":"http://a.example/7.8/amd64/base78.tgz"}');
		expect(bsdup('list').stdout).toMatch(
			new RegExp(`^ +8 B +0m  ${sha256.slice(0, 12)}  base78.tgz  http://a.example/7.8/amd64\n1 files, 8 B in `),
		);
		writeFileSync(join(dir, 'bsdup/config.yaml'), 'cache: { maxSize: 4 }\n');
		expect(bsdup('prune').status).toBe(2);
		writeFileSync(join(dir, 'bsdup/config.yaml'), 'cache: { maxSize: "4" }\n');
		expect(bsdup('prune', '--dry-run').stdout).toContain('would remove 1 files, 8 B; 0 B kept');
		expect(bsdup('prune', '--max-size', '1K').stdout).toContain('removed 0 files, 0 B; 8 B kept');
		expect(bsdup('prune').stdout).toContain('removed 1 files, 8 B; 0 B kept');
	});

	test.each([
		[['prune', '--max-size', 'much'], '--max-size 10G'],
		[['prune', '--older-than', '30'], '--older-than 30d'],
	])('%j is a mistake of usage, and says what is right', (args, next) => {
		const { status, stderr } = bsdup(...args);
		expect(stderr).toContain(`Next:  ${next}`);
		expect(status).toBe(2);
	});
});
