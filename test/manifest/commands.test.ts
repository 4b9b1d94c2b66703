import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseManifest } from '../../src/manifest/load.ts';
import { composeManifest } from '../../src/manifest/use.ts';
import { ROOT } from '../lab/root.ts';

const built = join(ROOT, 'dist/commands/manifest/show.js');
const shipped = join(ROOT, 'manifests/openbsd/in-place.yaml');
const folder = mkdtempSync(join(tmpdir(), 'bsdup-'));
const broken = join(folder, 'broken.yaml');
const whole = composeManifest(readFileSync(shipped, 'utf8'), shipped).text;
writeFileSync(broken, whole.replace('kind: confirm', 'kind: wish'));
afterAll(() => rmSync(folder, { recursive: true }));

function bsdup(...args: string[]): { code: number | null; stdout: string; stderr: string } {
	const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'dist/src/cli.js'), ...args], { encoding: 'utf8' });
	return { code: status, stdout, stderr };
}

describe.skipIf(!existsSync(built))('bsdup manifest (needs npm run build)', () => {
	test('check says of a good file that it is fine', () => {
		expect(bsdup('manifest', 'check', shipped)).toEqual({ code: 0, stdout: `${shipped}: fine\n`, stderr: '' });
	});

	test('check tells a fault with file and line, code, state and next step, without a stack trace, exit 2', () => {
		const { code, stdout, stderr } = bsdup('manifest', 'check', broken);
		expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
		expect(stderr).toMatch(/broken\.yaml:\d+: steps\.\d+\.kind: /);
		expect(stderr).toMatch(/^Code: {2}E_MANIFEST$/m);
		expect(stderr).toMatch(/^State: Nothing was changed/m);
		expect(stderr).toMatch(/^Next: {2}bsdup manifest check /m);
		expect(stderr).not.toMatch(/^ +at /m);
	});

	test('check --json gives the error as an object on standard output', () => {
		const { code, stdout } = bsdup('manifest', 'check', broken, '--json');
		expect(code).toBe(2);
		expect(JSON.parse(stdout).error).toMatchObject({ code: 'E_MANIFEST', next: [`bsdup manifest check ${broken}`] });
	});

	test('show lists the manifests, and no part of one', () => {
		const names = bsdup('manifest', 'show')
			.stdout.split('\n')
			.map((line) => line.split(':')[0]);
		const there = ['freebsd', 'openbsd'].flatMap((system) =>
			readdirSync(join(ROOT, 'manifests', system))
				.filter((file) => file.endsWith('.yaml') && file !== 'facts.yaml')
				.map((file) => `${system}/${file.replace('.yaml', '')}`),
		);
		expect(names).toEqual([...there.sort(), '']);
	});

	test('show prints one whole, with the parts it uses, as a start for another anywhere', () => {
		const { stdout } = bsdup('manifest', 'show', 'openbsd/in-place');
		expect(stdout).toContain('  - id: backup-verify\n');
		expect(stdout).not.toContain('- use:');
		expect(parseManifest(stdout, join(folder, 'mine.yaml'))).toEqual(parseManifest(readFileSync(shipped, 'utf8'), shipped));
	});

	test('show takes the method alone where one system has it, and names them where several have', () => {
		expect(bsdup('manifest', 'show', 'in-place').stdout).toBe(bsdup('manifest', 'show', 'openbsd/in-place').stdout);
		const { code, stderr } = bsdup('manifest', 'show', 'backup');
		expect(code).toBe(2);
		expect(stderr.match(/bsdup manifest show \S+/g)).toEqual(['bsdup manifest show freebsd/backup', 'bsdup manifest show openbsd/backup']);
	});

	test.each(['../package', 'openbsd/facts', 'openbsd/parts/backup', 'nothing'])('show %s is refused, with the names there are', (name) => {
		const { code, stderr } = bsdup('manifest', 'show', name);
		expect(code).toBe(2);
		expect(stderr).toContain('bsdup manifest show openbsd/in-place');
	});
});
