import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadTask } from '../../src/manifest/load.ts';
import { ROOT } from '../lab/root.ts';
import { inPlace } from '../plan/make.ts';

const backup = await loadTask(join(ROOT, 'manifests/openbsd/backup.yaml'));

describe('the shipped manifest of a backup', () => {
	test('says of every step how it is taken back, or what stays of it and why', () => {
		const { steps } = backup;
		expect(steps.length).toBeGreaterThan(5);
		expect(steps.filter(({ undo, stays }) => (undo === '') === (stays === '')).map(({ id }) => id)).toEqual([]);
	});
});

describe('the shipped manifest', () => {
	const before = (from: string): Set<string> => {
		const after = new Set([from]);
		for (let size = 0; size < after.size; ) {
			size = after.size;
			for (const { id, needs } of inPlace.steps) if (needs.some((need) => after.has(need))) after.add(id);
		}
		return new Set(inPlace.steps.map(({ id }) => id).filter((id) => !after.has(id)));
	};

	test('says of every step before the point of no return how it is taken back, or what stays of it and why', () => {
		const steps = inPlace.steps.filter(({ id }) => before('zone').has(id));
		expect(steps.map(({ id }) => id)).toEqual(expect.arrayContaining(['check', 'fetch', 'quiesce', 'confirm', 'boot-blocks']));
		expect(steps.filter(({ undo, stays }) => (undo === '') === (stays === '')).map(({ id }) => id)).toEqual([]);
	});

	test('marks the point of no return before the first change of the danger zone', () => {
		const zone = inPlace.steps.find(({ id }) => id === 'zone');
		const parts = zone?.parts.map(({ run = '', each }) => run + (each?.run ?? '')) ?? [];
		const mark = parts.findIndex((text) => text.startsWith(': >{{dir}}/no-return\nsync\n'));
		expect(mark).toBe(1);
		expect(parts[0]).toMatch(/^\[ "\$\(cksum /);
	});
});
