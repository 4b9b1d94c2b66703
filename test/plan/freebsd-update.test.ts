import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { PlanOptions } from '../../src/plan/options.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { refusals } from '../../src/plan/refusals.ts';
import { ROOT } from '../lab/root.ts';
import { makeFacts, makeOptions } from './make.ts';

const manifest = await loadManifest(join(ROOT, 'manifests/freebsd/freebsd-update.yaml'));
const host = (release: string, also: Record<string, boolean>) =>
	makeFacts({ system: 'FreeBSD', release, rootDisk: 'zroot/ROOT/default', also });
const goal = (version: string) => ({ name: version, kind: 'release' as const, version, arch: 'amd64' });

function planOf(from: string, to: string, also: Record<string, boolean>, options: Partial<PlanOptions> = {}): Plan {
	const facts = host(from, also);
	const chosen = makeOptions({ backup: null, ...options });
	expect(refusals(manifest, facts, goal(to), chosen, facts.clock)).toEqual([]);
	return buildPlan(manifest, facts, goal(to), chosen, 'freebsd/freebsd-update');
}
const ids = (plan: Plan): string[] => plan.steps.map(({ id }) => id);
const text = (plan: Plan): string => plan.steps.flatMap(({ commands }) => commands).join('\n');

describe('an upgrade by freebsd-update is planned', () => {
	test('in the order of the field notes, with all of it taken back at once', () => {
		const plan = planOf('14.3', '15.0', { environments: true });
		expect(ids(plan)).toEqual([
			...[
				'check',
				'notes',
				'keep',
				'prepare',
				'confirm',
				'keep-system',
				'errata-fetch',
				'errata',
				'reboot-errata',
				'fit',
				'upgrade',
				'judge',
			],
			...['kernel', 'reboot-kernel', 'prove-kernel', 'world', 'packages', 'remove-libs', 'loader', 'reboot-last', 'proof'],
		]);
		expect(plan.steps.filter(({ undo }) => undo !== '').map(({ id }) => id)).toEqual(['keep-system']);
		expect(plan.steps.filter(({ danger }) => danger === 'no-return')).toEqual([]);
	});

	test('where there are no boot environments with freebsd-update rollback as the way back', () => {
		const plan = planOf('14.3', '15.0', { environments: false });
		expect(ids(plan)).toContain('note-rollback');
		expect(ids(plan)).not.toContain('keep-system');
		expect(plan.steps.find(({ id }) => id === 'note-rollback')?.undo).toMatch(/freebsd-update -f \S+ rollback/);
		expect(text(plan)).not.toContain('bectl create');
	});

	test('with the old libraries left where nobody refreshes the packages', () => {
		const plan = planOf('14.3', '15.0', { environments: true }, { packages: false });
		expect(ids(plan).slice(-5)).toEqual(['world', 'leave-libs', 'loader', 'reboot-last', 'proof']);
	});

	test.each([
		['14.3', '15.0', true],
		['14.2', '14.3', false],
	])('from %s to %s asking for libsys in freebsd-update: %s', (from, to, asks) => {
		expect(text(planOf(from, to, { environments: true })).includes('grep -q libsys')).toBe(asks);
	});

	test('with a release past its end of life taken only if a person says so', () => {
		expect(text(planOf('14.3', '15.0', { environments: true }))).toContain('past its end of life');
		expect(text(planOf('14.3', '15.0', { environments: true }, { older: true }))).not.toContain('past its end of life');
	});

	test('for no host of packaged base, and to no release after 15', () => {
		const told = (also: Record<string, boolean>, to: string): string[] =>
			refusals(manifest, host('15.0', also), goal(to), makeOptions({ backup: null }), null).map(({ says }) => says);
		expect(told({ pkgbase: true }, '15.1')).toEqual([expect.stringContaining('incompatible with packaged base')]);
		expect(told({ pkgbase: false }, '16.0')).toEqual([expect.stringContaining('kept for the life of 15')]);
	});
});
