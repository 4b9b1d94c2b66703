import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadSetsManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { publishFreebsd } from '../lab/freebsd/mirror.ts';
import { ROOT } from '../lab/root.ts';
import { makeDistTarget, makeFacts, makeOptions } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

describe.skipIf(!canEnterTrees)('a symbolic link in the place of a directory of the sets (needs root or user namespaces)', () => {
	/** A host of a method, with the sets of 15.0 and what a case makes of it; what the step says that looks for links. */
	async function looked(method: string, make: string): Promise<ReturnType<typeof runLines>> {
		const on = makeBareTree('14.3-RELEASE');
		tree = on;
		const names = ['kernel', 'base', 'lib32', 'src'];
		const manifest = await loadSetsManifest(join(ROOT, `manifests/freebsd/${method}.yaml`));
		const facts = makeFacts({ system: 'FreeBSD', release: '14.3', rootDisk: 'zroot/ROOT/default', sets: ['kernel', 'base', 'lib32'] });
		const to = makeDistTarget('15.0', names);
		const plan = buildPlan(manifest, facts, to, makeOptions({ backup: null }), `freebsd/${method}`);
		const mirror = mkdtempSync(join(tmpdir(), 'bsdup-links-'));
		publishFreebsd(mirror, '15.0-RELEASE');
		const sets = names.map((set) => `${set}.txz`);
		on.lay({ dirs: [plan.dir, plan.sets] });
		for (const set of sets) copyFileSync(join(mirror, 'releases/amd64/amd64/15.0-RELEASE', set), join(on.dir, plan.sets, set));
		rmSync(mirror, { recursive: true });
		const steps = plan.steps.map(({ id }) => id).filter((id) => ['rules', 'release', 'links'].includes(id));
		const made = on.run(make);
		expect(made.status, made.stderr).toBe(0);
		return runLines(on, steps.map((id) => linesOf(plan, id)).join('\n'));
	}

	test.each(['sets', 'boot-environment'])('is told before anything is unpacked, and its name: %s', async (method) => {
		const { status, stdout } = await looked(
			method,
			'mv /usr/share /home/share; ln -s ../home/share /usr/share; mv /usr/lib32 /home; ln -s /home/lib32 /usr/lib32',
		);
		expect([status, stdout]).toEqual([
			1,
			expect.stringMatching(/^\/usr\/share is a symbolic link, for which tar would put an empty directory/m),
		]);
	});

	test.each(['sets', 'boot-environment'])('is told of a set beside base: %s', async (method) => {
		const { status, stdout } = await looked(method, 'mv /usr/lib32 /home; ln -s /home/lib32 /usr/lib32');
		expect([status, stdout]).toEqual([1, expect.stringMatching(/^\/usr\/lib32 is a symbolic link/m)]);
	});

	test.each(['sets', 'boot-environment'])(
		'and a directory in the place of something else are told before anything is unpacked: %s',
		async (method) => {
			const { status, stdout } = await looked(method, 'rm /bin/date; mkdir /bin/date');
			expect([status, stdout]).toEqual([1, expect.stringMatching(/^\/bin\/date is a directory, and the set has something else/m)]);
		},
	);

	test.each(['sets', 'boot-environment'])('stays where no set needs to touch it: %s', async (method) => {
		const { status, stdout } = await looked(method, 'for d in tmp usr/obj usr/src usr/local mnt; do rm -rf /$d; ln -s /var/tmp /$d; done');
		expect([status, stdout]).toEqual([0, '']);
	});
});
