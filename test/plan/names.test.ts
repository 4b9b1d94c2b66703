import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../src/manifest/load.ts';
import type { Manifest } from '../../src/manifest/schema.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { hostScope, withNames } from '../../src/plan/host-scope.ts';
import { refusals } from '../../src/plan/refusals.ts';
import { makeFacts, makeOptions } from './make.ts';

const TEXT = `format: 1
system: OpenBSD
method: own
title: by a tool of its own
names: { clone: "{{version}}-{{day}}" }
eras:
  - { name: "all", running: ">=7.0", usrFree: 1 }
refused:
  - { is: [odd], why: it is odd, next: make it even }
bootTime: echo 1
checks:
  - { id: taken, test: "! clones | grep -x {{clone}}", says: taken, fix: choose another }
steps:
  - { id: go, title: Go, timeout: 1m, run: "make-clone {{clone}}" }
  - { id: odd, title: Odd, timeout: 1m, is: [odd], needs: [go], run: "true" }
recovery: remove {{clone}}
`;
const manifest = parseManifest(TEXT, 'own.yaml') as Manifest;
const target = { name: '7.8', kind: 'release', version: '7.8', arch: 'amd64' } as const;
const options = makeOptions({ backup: null, run: 'run-20261125091722-db1' });

describe("a manifest's own names", () => {
	test('stand for their text in steps and the recovery, quoted as any value', () => {
		const plan = buildPlan(manifest, makeFacts(), target, options, 'own');
		expect(plan.steps.map(({ commands }) => commands)).toEqual([['make-clone 7.8-20261125']]);
		expect(plan.recovery).toContain('remove 7.8-20261125');
	});

	test('have no value while a part of theirs has none', () => {
		const { values } = hostScope(manifest, makeFacts(), options);
		expect(withNames(manifest, values)['clone']).toBeUndefined();
		expect(withNames(manifest, { ...values, version: '7.8' })['clone']).toBe('7.8-20261125');
	});

	test('are told where they are made of what is not known', () => {
		expect(() => parseManifest(TEXT.replace('{{day}}', '{{night}}'), 'own.yaml')).toThrow(/own\.yaml:5: unknown placeholder \{\{night\}\}/);
		expect(() => parseManifest(TEXT.replace('names: { clone:', 'names: { copy:'), 'own.yaml')).toThrow(/unknown placeholder \{\{clone\}\}/);
	});
});

describe('what a probe tells to hold', () => {
	const odd = makeFacts({ also: { odd: true, name: 'x', even: false } });

	test('is a word for conditions', () => {
		expect(buildPlan(manifest, odd, target, options, 'own').steps.map(({ id }) => id)).toEqual(['go', 'odd']);
	});

	test('may refuse the host', () => {
		const found = refusals(manifest, odd, target, options, null);
		expect(found).toEqual([{ id: 'host-kind', severity: 'refuse', says: 'it is odd', fix: 'make it even' }]);
		expect(refusals(manifest, makeFacts({ also: { odd: false } }), target, options, null)).toEqual([]);
	});
});
