import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadProbes, parseProbes } from '../../src/facts/probes.ts';
import { ROOT } from '../lab/root.ts';

const dir = mkdtempSync(join(tmpdir(), 'bsdup-probes-'));
afterAll(() => rmSync(dir, { recursive: true }));

const head = 'format: 1\nsystem: TestOS\nprobes:\n';

describe('a list of probes that cannot be used', () => {
	test.each([
		[
			'an unknown parser',
			'  - { id: a, command: b, parse: line }\n  - { id: cpus, command: nproc, parse: number }\n',
			'facts.yaml:5: probes.1.parse: ',
		],
		[
			'an unknown key',
			'  - id: cpus\n    command: nproc\n    parse: int\n    unit: cpu\n',
			'facts.yaml:4: probes.0: Unrecognized key: "unit"',
		],
		['a missing command', '  - id: a\n    parse: line\n', 'facts.yaml:4: probes.0.command: '],
		[
			'an id written twice',
			'  - { id: a, command: b, parse: line }\n  - { id: a, command: c, parse: line }\n',
			'facts.yaml:5: probes.1.id: a is written twice',
		],
		[
			'a broken expression',
			'  - id: a\n    command: b\n    parse: match\n    match: "("\n',
			'facts.yaml:7: probes.0.match: is no regular expression',
		],
		['a match without an expression', '  - { id: a, command: b, parse: match }\n', 'facts.yaml:4: probes.0.parse: `match` goes with'],
		['an id that would break the frame', '  - { id: "a b", command: b, parse: line }\n', 'facts.yaml:4: probes.0.id: only letters'],
		['broken YAML', '  - { id: a, command: "b }\n', 'facts.yaml:5: '],
	])('%s is told with file and line', (_, text, says) => {
		const fault = expect.objectContaining({ code: 'E_PROBES', exit: 2, message: expect.stringContaining(says) });
		expect(() => parseProbes(head + text, 'facts.yaml')).toThrow(fault);
	});

	test('all faults are told at once', () => {
		expect(() => parseProbes(`${head}  - { id: 1, command: b, parse: x }\n`, 'facts.yaml')).toThrow(
			/probes\.0\.id: .*\n.*probes\.0\.parse: /,
		);
	});
});

describe('the folder of manifests', () => {
	for (const system of ['TestOS', 'OtherOS']) {
		mkdirSync(join(dir, system));
		writeFileSync(join(dir, system, 'facts.yaml'), `${head.replace('TestOS', system)}  - { id: a, command: b, parse: line }\n`);
	}
	mkdirSync(join(dir, 'empty'));

	test('the probes are those of the host’s system', async () => {
		expect((await loadProbes(dir, 'OtherOS')).system).toBe('OtherOS');
	});

	test('a system that no folder knows is refused, and the known ones are named', async () => {
		await expect(loadProbes(join(ROOT, 'manifests'), 'Plan9')).rejects.toMatchObject({
			code: 'E_SYSTEM',
			exit: 2,
			message: expect.stringContaining('the host runs "Plan9"; manifests are here for FreeBSD, OpenBSD'),
		});
	});

	test('a system that a person misspells is told by the flag to type', async () => {
		await expect(loadProbes(join(ROOT, 'manifests'), 'openbsd', true)).rejects.toMatchObject({
			message: '--os is "openbsd"; manifests are here for FreeBSD, OpenBSD',
			next: ['--os FreeBSD', '--os OpenBSD'],
		});
	});

	test('which one is asked where there are several and none is named', async () => {
		await expect(loadProbes(dir, undefined)).rejects.toMatchObject({ code: 'E_SYSTEM', next: expect.arrayContaining(['--os TestOS']) });
	});
});
