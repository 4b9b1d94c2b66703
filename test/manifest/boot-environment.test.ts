import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Target } from '../../src/fetch/target.ts';
import { loadManifest } from '../../src/manifest/load.ts';
import { isWithin } from '../../src/manifest/version.ts';
import { refusals } from '../../src/plan/refusals.ts';
import { ROOT } from '../lab/root.ts';
import { inPlace, makeDistTarget, makeFacts, makeOptions, makeTarget } from '../plan/make.ts';

const manifest = await loadManifest(join(ROOT, 'manifests/freebsd/boot-environment.yaml'));
const facts = makeFacts({ system: 'FreeBSD', release: '14.3' });
const options = makeOptions({ backup: null });

/** The target of a release whose sets are these, a trusted copy of its MANIFEST at hand. */
function target(version: string, sets: string[], key: string | null = 'a copy'): Target {
	return makeDistTarget(version, sets, key);
}
const whole = ['base', 'kernel', 'lib32', 'src'];
const ids = (...args: Parameters<typeof refusals>): string[] => refusals(...args).map(({ id }) => id);

describe('the shipped manifest of boot environments', () => {
	test('can be taken back to its end: every step says how, or what stays of it and why', () => {
		const { steps } = manifest;
		expect(steps.map(({ id }) => id)).toEqual(
			expect.arrayContaining(['environment', 'reboot', 'activate', 'loader', 'reboot-last', 'proof']),
		);
		expect(steps.filter(({ danger }) => danger === 'no-return')).toEqual([]);
		expect(steps.filter(({ undo, stays }) => (undo === '') === (stays === '')).map(({ id }) => id)).toEqual([]);
	});

	test.each([
		['15.0', whole, []],
		['14.4', whole, []],
		['15.0', ['base', 'kernel'], ['set-absent']],
		['14.2', whole, ['downgrade']],
		['16.0', whole, ['crossing', 'skipped-release']],
	])('from 14.3 to %s with %j: %j', (version, sets, expected) => {
		expect(ids(manifest, facts, target(version, sets), options, facts.clock)).toEqual(expected);
	});

	test('warns where nothing vouches for the list, and refuses a backup that a manifest does not make', () => {
		expect(ids(manifest, facts, target('15.0', whole, null), makeOptions(), facts.clock)).toEqual(['list-unproven']);
		const without = { ...manifest, steps: manifest.steps.filter(({ is = [] }) => !is.includes('backup')) };
		expect(ids(without, facts, target('15.0', whole), makeOptions(), facts.clock)).toEqual(['no-backup']);
		const wish = makeOptions({ backup: null, health: ['true'] });
		expect(ids(manifest, facts, target('15.0', whole), wish, facts.clock)).toEqual([]);
		expect(ids(inPlace, makeFacts(), makeTarget('7.8'), makeOptions({ health: ['true'] }), makeFacts().clock)).toEqual(['no-health']);
	});
});

describe('what can be reached in one go', () => {
	test.each([
		['14.3', '14.4', true],
		['14.3', '15.2', true],
		['14.3', '14.2', false],
		['13.5', '15.0', false],
		['9.3', '10.4', true],
	])('by major versions, from %s to %s: %s', (from, to, expected) => {
		expect(isWithin('major', from, to)).toBe(expected);
	});

	test('by releases, the next one', () => {
		expect([isWithin('release', '7.9', '8.0'), isWithin('release', '7.7', '7.9')]).toEqual([true, false]);
	});
});
