import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Facts } from '../../src/facts/facts.ts';
import type { Target } from '../../src/fetch/target.ts';
import { loadSetsManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { ROOT } from '../lab/root.ts';
import { inPlace, makeDistTarget, makeFacts, makeOptions, makeTarget } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

const live = await loadSetsManifest(join(ROOT, 'manifests/freebsd/sets.yaml'));
const freebsd: Partial<Facts> = { system: 'FreeBSD', release: '14.3', rootDisk: 'ada0p2' };
const options = makeOptions({ backup: null });

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

const systems = [
	['OpenBSD', inPlace, makeTarget('7.8'), makeFacts(), '7.7', 'base78.tgz'],
	['FreeBSD', live, makeDistTarget('15.0', ['base', 'kernel']), makeFacts(freebsd), '14.3-RELEASE', 'base.txz'],
] as const;

describe.skipIf(!canEnterTrees)('what was brought (needs root or user namespaces)', () => {
	test.each(systems)(
		'is not taken back while a part of a file is left on the host, and is then (%s)',
		(_system, manifest, target, facts, from, file) => {
			const on = makeBareTree(from);
			tree = on;
			const plan = buildPlan(manifest, facts, target as Target, options, 'sets');
			on.lay({ dirs: [plan.dir] });
			// Twice, as where the first attempt was cut when all was done: the second sees what the first has made.
			for (const attempt of [1, 2]) expect([attempt, runLines(on, linesOf(plan, 'stage')).status]).toEqual([attempt, 0]);
			const { undo = '', undone = '' } = plan.steps.find(({ id }) => id === 'stage') ?? {};
			const { sets } = plan;
			for (const left of [`${file}.part`, `${file}.part.lock.0`, file]) {
				on.lay({ files: { [`${sets.slice(1)}/${left}`]: '' } });
				expect([left, runLines(on, undone).status]).toEqual([left, 1]);
				expect(runLines(on, undo)).toMatchObject({ status: 0, stdout: '' });
				expect(runLines(on, undone)).toMatchObject({ status: 0 });
				expect(on.run(`ls -d ${sets}`).status).not.toBe(0);
			}
		},
	);

	test('is removed when the new system is proven, but what lay there before, which hops one after another need the room of (OpenBSD)', () => {
		const on = makeBareTree('7.7');
		tree = on;
		const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), options, 'in-place');
		const rel = plan.sets.slice(1);
		on.lay({ dirs: [plan.dir], files: { [`${rel}/base78.tgz`]: '' } });
		on.run(`chown 0:0 ${plan.sets}`);
		expect(runLines(on, linesOf(plan, 'stage'))).toMatchObject({ status: 0 });
		on.lay({ files: { [`${rel}/comp78.tgz`]: '', [`${rel}/SHA256`]: '' }, programs: { sync: `ls ${plan.sets} >/synced` } });
		expect(plan.steps.at(-1)?.id).toBe('unstage');
		expect(runLines(on, linesOf(plan, 'unstage'))).toMatchObject({ status: 0 });
		expect(on.run(`ls ${plan.sets}`).stdout).toBe('base78.tgz\n');
		// Else a power cut could keep the removal and lose the record of the proof, which needs the sets.
		expect(on.run('cat /synced').stdout).toContain('comp78.tgz');
	});

	test.each(systems)(
		'leaves no directory where the power was cut right after it was made (%s)',
		(_system, manifest, target, facts, from) => {
			const on = makeBareTree(from);
			tree = on;
			const plan = buildPlan(manifest, facts, target as Target, options, 'sets');
			const { dir, sets } = plan;
			on.lay({ dirs: [dir], programs: { sync: `rm -rf /disk; cp -R ${dir} /disk` } });
			const lines = linesOf(plan, 'stage').split('\n');
			const made = lines.slice(0, lines.indexOf(`mkdir -p ${sets}`) + 1).join('\n');
			// The directory came to the disk, of the rest what was synced.
			expect(runLines(on, `${made}\nmkdir -p /disk; rm -rf ${dir}; mv /disk ${dir}; test -d ${sets}`)).toMatchObject({ status: 0 });
			const { undo = '' } = plan.steps.find(({ id }) => id === 'stage') ?? {};
			expect(runLines(on, `${lines.join('\n')}\n${undo}`)).toMatchObject({ status: 0, stdout: '', stderr: '' });
			expect(on.run(`ls -d ${sets}`).status).not.toBe(0);
		},
	);

	test('is not all there where one site set is missing and the one after it lies there', () => {
		const on = makeBareTree('7.7');
		tree = on;
		// gzip(1) of nothing
		const empty = Buffer.from('1f8b08000000000000030300000000000000000000', 'hex').subarray(0, 20);
		const sha256 = createHash('sha256').update(empty).digest('hex');
		const site = ['site78.tgz', 'site78-practice.tgz'].map((file) => ({ file, sha256, path: `/root/${file}` }));
		const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions({ site }), 'in-place');
		const { done = '' } = plan.steps.find(({ id }) => id === 'site-fetch') ?? {};
		on.lay({ dirs: [plan.sets] });
		const all = [...site].reverse().map(({ file }) => {
			writeFileSync(join(on.dir, plan.sets, file), empty);
			return runLines(on, done).status;
		});
		expect(all).toEqual([1, 0]);
	});
});
