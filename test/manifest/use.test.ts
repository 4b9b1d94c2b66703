import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BsdupError } from '../../src/errors.ts';
import { parseManifest } from '../../src/manifest/load.ts';

const fine = readFileSync(new URL('./cases/fine.yaml', import.meta.url), 'utf8');
const PART = `# shared
format: 1
checks:
    - { id: shared-check, test: "true", says: x, fix: y }
steps:
    - id: shared
      title: Shared
      timeout: 1m
      run: |
        echo '
        - use: of a text
        '
`;

let dir: string;
let file: string;
beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-use-'));
	file = join(dir, 'my.yaml');
	mkdirSync(join(dir, 'parts'));
	writeFileSync(join(dir, 'parts/one.yaml'), PART);
});
afterEach(() => rmSync(dir, { recursive: true }));

const using = fine
	.replace('  - id: two\n', '  - use: parts/one.yaml   # shared with another\n  - id: two\n')
	.replace('checks:\n', 'checks:\n  - use: parts/one.yaml\n');

function faults(text: string): string[] {
	try {
		parseManifest(text, file);
	} catch (error) {
		return (error as BsdupError).message.split('\n').slice(1);
	}
	return [];
}

describe('a manifest that uses a part', () => {
	test('holds its checks and steps where the use stands, text and all', () => {
		const own = using.replace('    run: echo {{host}}\n', "    run: |\n      echo '\n      - use: text.yaml\n      '\n");
		const manifest = parseManifest(own, file);
		expect(manifest.steps[0]?.run).toBe("echo '\n- use: text.yaml\n'\n");
		expect(manifest.steps.map(({ id }) => id)).toEqual(['one', 'shared', 'two']);
		expect(manifest.checks.map(({ id }) => id)).toEqual(['shared-check', 'room']);
		expect(manifest.steps[1]?.run).toBe("echo '\n- use: of a text\n'\n");
	});

	test('has the faults of the part told with the file and line of the part, and its own with its own', () => {
		writeFileSync(join(dir, 'parts/one.yaml'), PART.replace('timeout: 1m', 'timeout: soon'));
		expect(faults(using.replace('title: Second', 'titel: Second')).map((line) => line.replace(/: (steps|a ).*/, ''))).toEqual(
			expect.arrayContaining([`${dir}/parts/one.yaml:8`, `${file}:${using.split('\n').indexOf('    title: Second') + 1}`]),
		);
	});

	test('has the keys of a file that it uses at the top, and their faults told there', () => {
		const [start, end] = [fine.indexOf('kernels:'), fine.indexOf('\n', fine.indexOf('kernels:')) + 1];
		const data = `format: 1\n${fine.slice(start, end)}`;
		const own = `${fine.slice(0, start)}use: parts/data.yaml   # shared\n${fine.slice(end)}`;
		writeFileSync(join(dir, 'parts/data.yaml'), data);
		expect(parseManifest(own, file)).toEqual(parseManifest(fine, file));
		writeFileSync(join(dir, 'parts/data.yaml'), data.replace('ramdisk', 'ramdisc'));
		expect(faults(own)[0]).toMatch(/parts\/data\.yaml:2: kernels/);
		writeFileSync(join(dir, 'parts/data.yaml'), `${data}checks: []\n`);
		expect(faults(own)[0]).toMatch(/parts\/data\.yaml:3: checks: shared data holds no checks/);
	});

	test('adds the words of a use to those of each item', () => {
		const block = PART.replace(
			'- { id: shared-check, test: "true", says: x, fix: y }',
			'- id: shared-check\n      test: "true"\n      says: x\n      fix: y',
		);
		writeFileSync(join(dir, 'parts/one.yaml'), `${block}    - id: own\n      title: Own\n      is: ["!gnuTar"]\n      timeout: 1m\n`);
		const under = using.replaceAll(/- use: parts\/one\.yaml.*/g, '- { use: parts/one.yaml, is: [backup, packages] } # when');
		const { steps, checks } = parseManifest(under, file);
		expect(checks.map(({ id, is }) => [id, is])).toEqual([
			['shared-check', ['backup', 'packages']],
			['room', undefined],
		]);
		expect(steps.map(({ id, is }) => [id, is])).toEqual([
			['one', undefined],
			['shared', ['backup', 'packages']],
			['own', ['backup', 'packages', '!gnuTar']],
			['two', undefined],
		]);
		expect(steps[1]?.run).toBe("echo '\n- use: of a text\n'\n");
		writeFileSync(join(dir, 'parts/one.yaml'), PART);
		expect(faults(under)).toEqual([
			expect.stringMatching(/parts\/one\.yaml:4: an item that is used under conditions has its keys on lines/),
		]);
	});

	test('takes a need with a question mark where it has that step, and not where it has none', () => {
		const needs = (text: string) => parseManifest(using.replace('needs: [one]', `needs: [${text}]`), file).steps.at(-1)?.needs;
		expect(needs('one?, shared, three?')).toEqual(['one', 'shared']);
	});

	test.each<[string, string, RegExp]>([
		['that is not there', '', /my\.yaml:\d+: cannot read the part .*parts\/one\.yaml: ENOENT/],
		['with other keys', `${PART}recovery: x\n`, /parts\/one\.yaml:13: recovery: a part holds only checks and steps/],
		['that uses another', `${PART}    - use: two.yaml\n`, /parts\/one\.yaml:13: a part uses no other part/],
		['without such a list', PART.replace('steps:', 'checks:'), /my\.yaml:\d+: .*parts\/one\.yaml holds no steps/],
		['with a step that the manifest has too', PART.replace('id: shared\n', 'id: two\n'), /my\.yaml:\d+: the step two is written twice/],
	])('is refused for one %s', (_what, text, says) => {
		if (text === '') rmSync(join(dir, 'parts/one.yaml'));
		else writeFileSync(join(dir, 'parts/one.yaml'), text);
		expect(faults(using).join('\n')).toMatch(says);
	});
});
