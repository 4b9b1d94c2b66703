import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadTask } from '../../src/manifest/load.ts';
import type { Manifest } from '../../src/manifest/schema.ts';
import { upgradesOf } from '../../src/manifest/upgrades.ts';
import { ROOT } from '../lab/root.ts';
import { inPlace, ramdisk } from '../plan/make.ts';

const backup = await loadTask(join(ROOT, 'manifests/openbsd/backup.yaml'));

const methods = [...(await upgradesOf(join(ROOT, 'manifests'), 'OpenBSD')), ...(await upgradesOf(join(ROOT, 'manifests'), 'FreeBSD'))];

describe('the shipped manifest of a backup', () => {
	test('says of every step how it is taken back, or what stays of it and why', () => {
		const { steps } = backup;
		expect(steps.length).toBeGreaterThan(5);
		expect(steps.filter(({ undo, stays }) => (undo === '') === (stays === '')).map(({ id }) => id)).toEqual([]);
	});
});

describe('a shipped manifest', () => {
	const before = (steps: Manifest['steps'], from: string): Set<string> => {
		const after = new Set([from]);
		for (let size = 0; size < after.size; ) {
			size = after.size;
			for (const { id, needs } of steps) if (needs.some((need) => after.has(need))) after.add(id);
		}
		return new Set(steps.map(({ id }) => id).filter((id) => !after.has(id)));
	};

	test.each([inPlace, ramdisk])(
		'says of every step before the point of no return how it is taken back, or what stays of it and why: $method',
		({ steps: all }) => {
			const steps = all.filter(({ id }) => before(all, 'zone').has(id));
			expect(steps.map(({ id }) => id)).toEqual(expect.arrayContaining(['check', 'fetch', 'confirm', 'boot-blocks']));
			expect(steps.filter(({ undo, stays }) => (undo === '') === (stays === '')).map(({ id }) => id)).toEqual([]);
		},
	);

	test.each(methods)(
		'says of an undo whether it may reboot the host, which who is there is told before: $manifest.method',
		({ manifest: { steps } }) => {
			const reboots = steps.filter(({ undo }) => /^ *(shutdown -r|reboot)\b/m.test(undo)).map(({ id }) => id);
			expect(steps.filter(({ undoReboots }) => undoReboots).map(({ id }) => id)).toEqual(reboots);
		},
	);

	test('marks the point of no return before the first change of the danger zone', () => {
		const zone = inPlace.steps.find(({ id }) => id === 'zone');
		const parts = zone?.parts.map(({ run = '', each }) => run + (each?.run ?? '')) ?? [];
		const mark = parts.findIndex((text) => text.startsWith(': >{{dir}}/no-return\nsync\n'));
		expect(mark).toBe(3);
		expect(parts[0]).toMatch(/^for p in cat .*\n.* is empty, .*exit 1; \}; done\n *done\n$/);
		expect(parts[1]).toMatch(/^\[ "\$\(cksum /);
		expect(parts[2]).toMatch(/^(n=0; while pgrep .* sleep 5; done\n){2}$/);
	});

	test('marks the point of no return right before the name that the loader boots, and takes the mark back where nothing was changed', () => {
		const zone = ramdisk.steps.find(({ id }) => id === 'zone');
		expect(zone?.parts.at(-1)?.run).toMatch(/^: >{{dir}}\/no-return\nsync\nmv \S+ \/bsd\.upgrade\n/);
		expect(zone?.returned.match(/rm -f .*{{dir}}\/no-return/g)).toHaveLength(3);
		expect(zone?.undo).toContain('rm -f /bsd.upgrade ');
	});
});
