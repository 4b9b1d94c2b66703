import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Facts } from '../../src/facts/facts.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { refusals } from '../../src/plan/refusals.ts';
import { ROOT } from '../lab/root.ts';
import { makeFacts, makeOptions } from '../plan/make.ts';

const manifest = await loadManifest(join(ROOT, 'manifests/freebsd/pkgbase.yaml'));
const factsOf = (release: string, also: NonNullable<Facts['also']> = {}): Facts =>
	makeFacts({ system: 'FreeBSD', release, rootDisk: 'zroot/ROOT/default', also: { pkgbase: true, environments: true, ...also } });
const options = makeOptions({ backup: null, run: 'run-20261125091722-db1' });
const targetOf = (version: string) => ({ name: version, kind: 'release', version, arch: 'amd64' }) as const;
const planOf = (also?: NonNullable<Facts['also']>): Plan =>
	buildPlan(manifest, factsOf('15.0', also), targetOf('15.1'), options, 'freebsd/pkgbase');

/** The steps that come before the first of no return, and that one. */
function parted(plan: Plan): { before: Plan['steps']; at: Plan['steps'][number] | undefined } {
	const first = plan.steps.findIndex(({ danger }) => danger === 'no-return');
	return { before: first < 0 ? plan.steps : plan.steps.slice(0, first), at: plan.steps[first] };
}

describe('the shipped manifest of packaged base', () => {
	test.each([
		['in a boot environment of every step', {}, undefined],
		['live of every step before the point of no return', { environments: false }, 'live'],
	])('says %s how it is taken back, or what stays of it and why', (_where, also, last) => {
		const { before, at } = parted(planOf(also));
		expect(at?.id).toBe(last);
		expect(before.map(({ id }) => id)).toEqual(expect.arrayContaining(['check', 'keep', 'catalogue', 'confirm']));
		expect(before.filter(({ undo, stays = '' }) => (undo === '') === (stays === '')).map(({ id }) => id)).toEqual([]);
	});

	test('tells live of nothing behind the point of no return that it stays', () => {
		const { steps } = planOf({ environments: false });
		const last = steps.findIndex(({ danger }) => danger === 'no-return');
		expect(steps.length).toBeGreaterThan(last + 5);
		expect(steps.slice(last + 1).filter(({ stays }) => stays !== '')).toEqual([]);
	});

	test('marks the point of no return live right before base is touched, after pkg itself', () => {
		const lines = parted(planOf({ environments: false })).at?.commands ?? [];
		const mark = lines.indexOf(': >/var/db/bsdup/run-20261125091722-db1/no-return');
		expect(lines.slice(mark, mark + 4)).toEqual([
			lines[mark],
			'sync',
			expect.stringMatching(/^\[ -z "\$torn" \] \|\| pkg-static /),
			expect.stringMatching(/^\{ pkg-static "\$@" upgrade -y -r FreeBSD-base 2>&1 /),
		]);
		expect(lines.findIndex((line) => line.includes('-r FreeBSD-ports pkg;'))).toBeLessThan(mark);
	});

	test('never touches the running system before the reboot into the environment', () => {
		const { steps } = planOf();
		const until = steps.slice(
			0,
			steps.findIndex(({ id }) => id === 'reboot'),
		);
		// What is kept has a file in it that the packages' own step runs, after the reboot.
		const lines = until.filter(({ id }) => id !== 'keep').flatMap(({ commands }) => commands);
		const works = lines.filter((line) => / (upgrade -y|install -y|delete) /.test(line));
		expect(works.length).toBe(3);
		expect(works.filter((line) => !/^((el)?if .*; then |\{ )?chroot \S+\/be pkg-static /.test(line))).toEqual([]);
	});

	test('renews the loader after the environment is the default, and live before the reboot', () => {
		const needs = (plan: Plan, id: string): string[] => plan.steps.find((step) => step.id === id)?.needs ?? [];
		const [be, live] = [planOf(), planOf({ environments: false })];
		expect(needs(be, 'loader')).toContain('activate');
		expect([needs(live, 'loader'), needs(live, 'live-left'), needs(live, 'live-reboot')]).toEqual([
			expect.arrayContaining(['live']),
			['loader'],
			['live-left'],
		]);
	});

	test.each([
		['15.0', '15.1', {}, []],
		['15.0', '15.0', {}, []],
		['15.0', '15.2', {}, []],
		['15.1', '15.0', {}, ['downgrade']],
		['15.0', '16.0', {}, ['crossing']],
		['14.3', '15.0', {}, ['crossing']],
		['14.2', '14.3', {}, ['crossing']],
		['15.0', '15.1', { pkgbase: false }, ['host-kind']],
	])('from %s to %s with %j: %j', (from, to, also, expected) => {
		const facts = factsOf(from, also);
		expect(refusals(manifest, facts, targetOf(to), options, facts.clock).map(({ id }) => id)).toEqual(expected);
	});
});
