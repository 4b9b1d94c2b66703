import { describe, expect, test } from 'vitest';
import { parsePlan } from '../../src/journal/read-plan.ts';
import { hashOf } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { plan } from './folder.ts';

/** The plan with these changes, as who knows such words would have made it. */
const madeWith = (changes: object): string => {
	const { hash: _, ...rest } = { ...plan, ...changes } as Plan;
	return JSON.stringify({ ...rest, hash: hashOf(rest) });
};
const deep = `{"format":1,"steps":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;

describe('a plan', () => {
	test('is taken as it was made', () => {
		expect(parsePlan(JSON.stringify(plan), 'plan.json')).toEqual(plan);
	});

	test.each([
		['a word on the whole', madeWith({ newer: true })],
		['a word on a step', madeWith({ steps: plan.steps.map((step) => ({ ...step, newer: 'x' })) })],
		['a kind of step', madeWith({ steps: plan.steps.map((step) => ({ ...step, kind: 'newer' })) })],
		['another format', JSON.stringify({ ...plan, format: 2 })],
	])('of a newer bsdup, which has %s that is not known here, is not said to be edited', (_what, text) => {
		expect(() => parsePlan(text, 'plan.json')).toThrow(
			expect.objectContaining({ code: 'E_PLAN_VERSION', exit: 2, next: expect.arrayContaining([expect.stringContaining('a newer one')]) }),
		);
	});

	test.each([
		['with a word of it changed', { ...plan, recovery: 'x' }, 'E_PLAN_EDITED'],
		['with a word added', { ...plan, newer: true, recovery: 'x' }, 'E_PLAN_EDITED'],
		['without its steps', { ...plan, steps: undefined }, 'E_PLAN_FORMAT'],
	])('that was edited, %s, is refused as such', (_what, edited, code) => {
		expect(() => parsePlan(JSON.stringify(edited), 'plan.json')).toThrow(expect.objectContaining({ code }));
	});

	test('that is nested deeper than anything is no plan', () => {
		expect(() => parsePlan(deep, 'plan.json')).toThrow(expect.objectContaining({ code: 'E_PLAN_FORMAT' }));
	});
});
