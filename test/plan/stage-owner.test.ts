import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadSetsManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { ROOT } from '../lab/root.ts';
import { inPlace, makeDistTarget, makeFacts, makeOptions, makeTarget } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

/** Planted by another user, which only root can do here. */
const canPlant = canEnterTrees && process.getuid?.() === 0;

const systems: Record<string, () => Promise<[BareTree, Plan]>> = {
	OpenBSD: async () => [makeBareTree('7.7'), buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions(), 'in-place')],
	FreeBSD: async () => {
		const manifest = await loadSetsManifest(join(ROOT, 'manifests/freebsd/sets.yaml'));
		const facts = makeFacts({ system: 'FreeBSD', release: '14.3', sets: ['kernel', 'base'] });
		const target = makeDistTarget('15.0', ['kernel', 'base', 'src']);
		return [makeBareTree('14.3-RELEASE'), buildPlan(manifest, facts, target, makeOptions({ backup: null }), 'freebsd/sets')];
	},
};

describe.each(Object.entries(systems))('the directory of the sets on %s', (_system, make) => {
	/** What the step comes to after `before`, run outside with the tree as $1, in which SETS is the directory. */
	async function staged(before: string): Promise<{ status: number | null; said: string; after: string }> {
		const [on, plan] = await make();
		tree = on;
		on.lay({ dirs: [plan.dir] });
		const made = on.run('true', `set -e; ${before.replaceAll('SETS', `"$1${plan.sets}"`)}`);
		expect(made.status, made.stderr).toBe(0);
		const { status, stdout, stderr } = runLines(on, linesOf(plan, 'stage'));
		return { status, said: stdout + stderr, after: on.run(`ls -ldn ${plan.sets}`).stdout };
	}

	test.skipIf(!canEnterTrees)('is made, for nobody else to write to (needs root or user namespaces)', async () => {
		const { status, said, after } = await staged('mkdir -p SETS; rm -r SETS');
		expect({ status, said }).toEqual({ status: 0, said: '' });
		expect(after).toMatch(/^drwxr-xr-x +\d+ 0 /);
	});

	test.skipIf(!canPlant).each([
		['a directory of somebody else', 'mkdir -p SETS; chown 1000 SETS'],
		['a link of somebody else', 'mkdir -p SETS "$1/other"; rmdir SETS; ln -s /other SETS; chown -h 1000 SETS'],
		['a link to a directory of somebody else', 'mkdir -p SETS "$1/other"; rmdir SETS; ln -s /other SETS; chown 1000 "$1/other"'],
		['a directory that all may write to', 'mkdir -p SETS; chmod 1777 SETS'],
	])('is not taken where it is %s (needs root)', async (_what, before) => {
		const { status, said } = await staged(before);
		expect(status).toBe(1);
		expect(said).toMatch(/^others than root may change what is in it, look who made it: \S+ +\d+ (1000|0) /);
	});
});
