import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPlan } from '../../src/plan/build.ts';
import { HOSTILE, makeHostile } from '../fetch/hostile.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';

const hash = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

/** Runs the step on a host that has this base set. */
function verify(on: BareTree, base: Buffer): { status: number | null; said: string } {
	const files = { bsd: 'one', 'bsd.mp': 'many', 'bsd.rd': 'install', BUILDINFO: 'Build date: 1760000000 - practice\n' };
	const bytes = new Map<string, Buffer | string>([...Object.entries(files), ['base78.tgz', base]]);
	const target = makeTarget('7.8', { files: [...bytes].map(([name, data]) => ({ name, sha256: hash(data), size: data.length })) });
	target.list.sha256 = hash(target.list.text);
	const plan = buildPlan(inPlace, makeFacts({ sets: ['base'] }), target, makeOptions(), 'in-place');
	on.lay({ dirs: ['usr/rel', plan.dir] });
	for (const [name, data] of [...bytes, ['SHA256.sig', target.list.text] as const]) writeFileSync(join(on.dir, 'usr/rel', name), data);
	writeFileSync(join(on.dir, 'work'), plan.steps.find(({ id }) => id === 'verify')?.commands.join('\n') ?? 'false');
	const { status, stdout, stderr } = on.run('sh -e /work');
	return { status, said: stdout + stderr };
}

describe.skipIf(!canEnterTrees)('the sets on the host, before anything is unpacked (needs root or user namespaces)', () => {
	describe.each<[string, Record<string, string>]>([
		['base tar', {}],
		['GNU tar', { tar: 'exec /lab/real/bin/tar "$@"' }],
	])('listed by %s', (_name, programs) => {
		let on: BareTree;
		beforeAll(() => {
			on = makeBareTree('7.7');
			on.lay({ programs });
		});
		afterAll(() => on.destroy());

		test.each(HOSTILE.filter(({ host }) => host !== false))('hold $title', (one) => {
			const { status, said } = verify(on, makeHostile(one));
			if (one.says === null) expect({ status, said }).toEqual({ status: 0, said: '' });
			else {
				expect(said).toMatch(new RegExp(one.says));
				expect(status).not.toBe(0);
			}
		});

		test('are told by name, every member that leaves the tree', () => {
			const make = ['mkdir -p usr opt', 'touch usr/x usr/y opt/z', 'tar -czf set.tgz -P --transform "s,^usr/,../," usr/x usr/y opt/z'];
			const { said } = verify(on, makeHostile({ title: '', make, says: '' }));
			expect(said.trimEnd().split('\n').sort()).toEqual([
				'base78.tgz: ../x is not where a set has files',
				'base78.tgz: ../x leaves the tree',
				'base78.tgz: ../y is not where a set has files',
				'base78.tgz: ../y leaves the tree',
				'base78.tgz: opt/z is not where a set has files',
			]);
		});
	});
});
