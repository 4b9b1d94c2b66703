import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Facts } from '../../src/facts/facts.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { PlanOptions } from '../../src/plan/options.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { refusals } from '../../src/plan/refusals.ts';
import { inPlace, makeFacts, makeOptions, makeTarget, ramdisk } from './make.ts';

/**
 * The order of commands of one way, as data. A word matches a command that holds it, `=word` one that is it.
 * In a chain each is found after the one before; different chains do not order each other.
 */
interface Order {
	title: string;
	from: string;
	to: string;
	kind: 'release' | 'snapshot';
	/** Default: in-place. */
	method?: 'ramdisk';
	facts?: Partial<Facts>;
	options?: Partial<PlanOptions>;
	chains: string[][];
	never: string[];
	/** What differs from the written procedure, and why. */
	deviations: [string, string][];
}

const folder = new URL('./orders/', import.meta.url);
const orders = readdirSync(folder).map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Order);

function planOf(order: Order): Plan {
	const facts = makeFacts({ release: order.from, flavour: order.kind === 'snapshot' ? 'beta' : 'release', ...order.facts });
	const target = makeTarget(order.to, { kind: order.kind, ...(order.kind === 'snapshot' ? { name: 'snapshot' } : {}) });
	const options = makeOptions(order.options);
	const manifest = order.method === 'ramdisk' ? ramdisk : inPlace;
	expect(refusals(manifest, facts, target, options, facts.clock)).toEqual([]);
	return buildPlan(manifest, facts, target, options, manifest.method);
}

const matches = (line: string, word: string): boolean => (word.startsWith('=') ? line === word.slice(1) : line.includes(word));
const actsOf = (plan: Plan): string[] => plan.steps.flatMap((step) => step.commands).filter((line) => !line.startsWith('#'));

/** Ids of all steps that must come before `id`. */
function before(plan: Plan, id: string): Set<string> {
	const needs = plan.steps.find((step) => step.id === id)?.needs ?? [];
	return new Set(needs.flatMap((need) => [need, ...before(plan, need)]));
}

describe.each(orders)('$title', (order) => {
	const plan = planOf(order);
	const acts = actsOf(plan);

	test('keeps the order of the written procedure', () => {
		for (const chain of order.chains) {
			let from = 0;
			for (const word of chain) {
				const at = acts.findIndex((line, index) => index >= from && matches(line, word));
				expect(at, `${word} after line ${from} of\n${acts.join('\n')}`).toBeGreaterThanOrEqual(0);
				from = at + 1;
			}
		}
	});

	test('keeps that order by needs, not by luck', () => {
		const stepOf = (index: number): string => plan.steps.filter((step) => step.commands.length > 0)[index]?.id ?? '';
		const where = plan.steps
			.filter((step) => step.commands.length > 0)
			.flatMap((step, index) => step.commands.filter((line) => !line.startsWith('#')).map(() => stepOf(index)));
		for (const chain of order.chains) {
			let from = 0;
			let last: string | undefined;
			for (const word of chain) {
				const at = acts.findIndex((line, index) => index >= from && matches(line, word));
				const step = where[at] ?? '';
				if (last !== undefined && last !== step) expect([...before(plan, step)], `${word}: ${step} needs ${last}`).toContain(last);
				last = step;
				from = at + 1;
			}
		}
	});

	test('holds nothing of another era', () => {
		for (const word of order.never) expect(acts.filter((line) => matches(line, word))).toEqual([]);
	});

	if (order.method === undefined)
		test('never unpacks an etc set, and every set once, base last', () => {
			const unpacked = acts.filter((line) => line.startsWith('tar -C / -xzphf')).map((line) => line.split(' ')[4]);
			expect(unpacked.filter((file) => /^x?etc/.test(file ?? ''))).toEqual([]);
			expect(new Set(unpacked).size).toBe(unpacked.length);
			expect(unpacked.at(-1)).toMatch(/^base/);
		});

	test('tells why it differs from the written procedure', () => {
		for (const [what, why] of order.deviations) expect([what, why].every((text) => text.length > 10)).toBe(true);
	});
});
