import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Facts } from '../../src/facts/facts.ts';
import type { Target } from '../../src/fetch/target.ts';
import type { PlanOptions } from '../../src/plan/options.ts';
import { refusals } from '../../src/plan/refusals.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';

interface Case {
	title: string;
	facts?: Partial<Facts>;
	/** The version the target's sets carry; with `unresolved` what was asked for, for the mirror told nothing. */
	to: string;
	unresolved?: boolean;
	target?: Partial<Target>;
	options?: Partial<PlanOptions>;
	/** Free MiB by mount, where it is less than plenty. */
	free?: Record<string, number>;
	/** Seconds the controller's clock is ahead. */
	ahead?: number;
	/** Size on the mirror by file name, bytes, where it is not 10 MiB; null = not told. Names that are new are added to the list. */
	sizes?: Record<string, number | null>;
	/** The facts are from a file: nothing is known of now. */
	old?: boolean;
	/** Ids of all findings, in order. */
	findings: string[];
	/** Those that are only warnings. */
	warnings?: string[];
	/** Each must be said somewhere. */
	says?: string[];
}

const folder = new URL('./cases/', import.meta.url);
const cases = readdirSync(folder).map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Case);

describe('what speaks against an upgrade', () => {
	test.each(cases)('$title', (one) => {
		const facts = makeFacts(one.facts);
		for (const mount of facts.mounts) mount.free = (one.free?.[mount.path] ?? 10_000) * 1024 * 1024;
		const target = makeTarget(one.to, one.target);
		for (const [name, size] of Object.entries(one.sizes ?? {})) {
			const listed = target.files.find((file) => file.name === name);
			if (listed === undefined) target.files.push({ name, sha256: 'ab'.repeat(32), size });
			else listed.size = size;
		}
		const now = one.old === true ? null : facts.clock + (one.ahead ?? 0);
		const found = refusals(inPlace, facts, one.unresolved === true ? one.to : target, makeOptions(one.options), now);
		expect(found.map(({ id }) => id)).toEqual(one.findings);
		expect(found.filter(({ severity }) => severity === 'warn').map(({ id }) => id)).toEqual(one.warnings ?? []);
		for (const { says, fix } of found) expect([says, fix].every((text) => text.length > 3)).toBe(true);
		for (const said of one.says ?? []) expect(found.map(({ says, fix }) => `${says}; ${fix}`).join('\n')).toContain(said);
	});
});
