import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { factsLines } from '../../src/facts/text.ts';
import { ROOT } from '../lab/root.ts';

const { facts } = JSON.parse(readFileSync(join(ROOT, 'test/facts/cases/7.7.json'), 'utf8'));

describe('the facts for people', () => {
	test('no line is longer than a terminal of 40 columns', () => {
		const lines = factsLines(facts, 40);
		expect(lines.filter((line) => line.length > 40)).toEqual([]);
		expect(lines).toContain('kernel         OpenBSD 7.7 (ROUTER) #3:');
		expect(lines).toContain('               Sun Apr 13 08:20:38 MDT');
		expect(lines).toContain('               2025');
	});

	test('no word is lost by breaking', () => {
		const words = (lines: string[]): string => lines.join('').replaceAll(' ', '');
		expect(words(factsLines(facts, 40))).toBe(words(factsLines(facts)));
	});

	test('the kernel for several processors is told where the system has one of its own for them', () => {
		const processors = (cpus: number, multiprocessor: boolean) =>
			factsLines({ ...facts, cpus, multiprocessor }).find((line) => line.startsWith('processors'));
		expect(processors(4, true)).toBe('processors     4, MP kernel');
		expect(processors(4, false)).toBe('processors     4');
		expect(processors(1, false)).toBe('processors     1');
	});

	test('a value stays on its line where nothing limits it', () => {
		expect(factsLines(facts)).toContain('kernel         OpenBSD 7.7 (ROUTER) #3: Sun Apr 13 08:20:38 MDT 2025');
		expect(factsLines(facts)).toContain('/              0 MiB free of 294');
	});
});
