import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Facts } from '../../src/facts/facts.ts';
import { parseFacts, systemIn } from '../../src/facts/gather.ts';
import { loadProbes } from '../../src/facts/probes.ts';
import { ROOT } from '../lab/root.ts';

interface Case {
	outputs: Record<string, { text: string; status: number }>;
	facts: Facts;
}

const folder = join(ROOT, 'test/facts/cases');
const names = readdirSync(folder).map((file) => file.replace('.json', ''));
const read = (name: string): Case => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
const probes = await loadProbes(join(ROOT, 'manifests'), 'OpenBSD');

/** What the script prints on a host that gives these answers. */
function printed(outputs: Case['outputs']): string {
	const frames = Object.entries(outputs).map(([id, { text, status }]) => `@@bsdup ${id}\n${text}\n@@bsdup = ${status}\n`);
	return `@@bsdup system OpenBSD\n${frames.join('')}@@bsdup end\n`;
}

/** The case with some answers changed. */
function changed(name: string, outputs: Record<string, string>): string {
	const answers = Object.entries(outputs).map(([id, text]) => [id, { text, status: 0 }]);
	return printed({ ...read(name).outputs, ...Object.fromEntries(answers) });
}

describe('the facts of a host', () => {
	test.each(names)('%s: every answer is understood', (name) => {
		const { outputs, facts } = read(name);
		expect(Object.keys(outputs).sort()).toEqual(probes.probes.map(({ id }) => id).sort());
		expect(parseFacts(probes, printed(outputs))).toEqual(facts);
	});

	test('an output that came by way of a system with other line ends says the same', () => {
		const { outputs, facts } = read('7.7');
		const output = printed(outputs).replaceAll('\n', '\r\n');
		expect(systemIn(output)).toBe('OpenBSD');
		expect(parseFacts(probes, output)).toEqual(facts);
	});

	test.each([
		['1795473322\n', 1795473322],
		['{ sec = 1795473316, usec = 147135 } Mon Nov 23 22:35:16 2026\n', 1795473316],
		['Mon Nov 23 22:35:22 2026\n', 1795473322],
		['kern.boottime=Mon Nov  2 22:35:22 2026\n', 1793658922],
	])('the boot time %j is %d', (text, seconds) => {
		expect(parseFacts(probes, changed('7.9-beta', { bootTime: text })).bootTime).toBe(seconds);
	});

	test('a key file that does not end its last line does not swallow the next', () => {
		const keys = parseFacts(
			probes,
			changed('7.7', { keys: '== a.pub\nuntrusted comment: a\nRWTa\n\n== b.pub\nuntrusted comment: b\nRWTb' }),
		).keys;
		expect(keys).toEqual({ 'a.pub': 'untrusted comment: a\nRWTa\n', 'b.pub': 'untrusted comment: b\nRWTb\n' });
	});
});

describe('answers that are not understood', () => {
	test.each([
		['bootTime', 'sysctl: second level name boottime 1 in kern is invalid\n', 'no time'],
		['cpus', '\n', 'no whole number'],
		['release', 'SunOS 5.11\n', 'empty'],
		['rootDisk', 'nfs1:/root   1   1   1   1%   /\n', 'empty'],
		['mounts', '\n', 'no file system'],
	])('%s: %j is an error that names the probe and what was said', (id, text, says) => {
		const fault = expect.objectContaining({
			code: 'E_FACTS',
			message: expect.stringContaining(`\n${id}: ${says}: ${JSON.stringify(text)}`),
		});
		expect(() => parseFacts(probes, changed('7.9-beta', { [id]: text }))).toThrow(fault);
	});

	test('all of them are told at once', () => {
		const output = changed('7.9-beta', { cpus: 'two\n', securelevel: 'high\n' });
		expect(() => parseFacts(probes, output)).toThrow(/\ncpus: .*\nsecurelevel: /);
	});

	test('an output cut short is an error that names what is missing', () => {
		const output = printed(read('7.7').outputs);
		expect(() => parseFacts(probes, output.slice(0, output.indexOf('@@bsdup doas')))).toThrow(
			/\ndoas: no answer from doas -n true\nsudo: no answer/,
		);
	});

	test('no output at all says what the shell said', () => {
		expect(() => parseFacts(probes, '', 'doas: Operation not permitted\n')).toThrow('no answers at all: doas: Operation not permitted');
	});
});
