import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { publish } from '../lab/mirror.ts';
import { RELEASES } from '../lab/releases.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';
import { linesOf } from './run-step.ts';

let mirror = '';
let tree: BareTree | undefined;

/** Runs the zone of 7.7 to 7.8 in a tree that has the sets; `before` runs outside, with the tree as $1. */
function zone(programs: Record<string, string>, before?: string): { on: BareTree; ended: ReturnType<BareTree['run']> } {
	const folder = join(mirror, RELEASES['7.8'].folder);
	const sums = [...readFileSync(join(folder, 'SHA256'), 'utf8').matchAll(/^SHA256 \((.*)\) = (.*)$/gm)];
	const files = sums.map(([, name = '', sha256 = '']) => ({ name, sha256, size: null }));
	const list = readFileSync(join(folder, 'SHA256.sig'), 'utf8');
	const target = makeTarget('7.8', { files });
	const plan = buildPlan(inPlace, makeFacts(), { ...target, list: { ...target.list, text: list } }, makeOptions(), 'in-place');
	const on = makeBareTree('7.7');
	tree = on;
	on.lay({ dirs: [plan.dir, 'usr/rel'], programs: { sleep: 'exit 0', ...programs }, files: { step: linesOf(plan, 'zone') } });
	execFileSync('cp', ['-r', `${folder}/.`, join(on.dir, 'usr/rel')]);
	// The list's own hash is that of the mirror's file.
	const ended = on.run("sed '/SHA256.sig/d' /step >/zone; sh -e /zone", before);
	return { on, ended };
}

/** What the kernel that the next boot takes says of itself. No program of the tree runs any more. */
const kernelOf = (on: BareTree): string => readFileSync(join(on.dir, 'bsd'), 'utf8').split('\n')[1] ?? '';

describe.skipIf(!canEnterTrees)('the danger zone in place (needs root or user namespaces)', () => {
	beforeAll(() => {
		mirror = mkdtempSync(join(tmpdir(), 'bsdup-mirror-'));
		publish(mirror, '7.8');
	});
	afterEach(() => tree?.destroy());
	afterAll(() => rmSync(mirror, { recursive: true, force: true }));

	test('lays no kernel while the boot still relinks the old one, which would come over it', () => {
		// The relinking ends at its second look, and lays its kernel.
		const pgrep =
			'case "$*" in *reorder_kernel) [ ! -f /ended ] || exit 1; : >/ended; /lab/real/bin/cp /lab/old /bsd; exit 0 ;; esac\nexit 1\n';
		const { on, ended } = zone({ pgrep }, 'cp "$1/bsd" "$1/lab/old"');
		expect(ended.status, ended.stderr).toBe(0);
		expect(existsSync(join(on.dir, 'ended'))).toBe(true);
		expect(kernelOf(on)).toContain('OpenBSD 7.8 ');
	});

	test('changes no kernel where the programs it ends with do not start', () => {
		const { on, ended } = zone({ pgrep: 'exit 1' }, 'mount --bind "$1/var" "$1/var" && mount -o remount,bind,noexec "$1/var"');
		expect(ended).toMatchObject({
			status: 1,
			stdout: expect.stringMatching(/bin\/sync does not start, and after base nothing else would\n$/),
		});
		expect(kernelOf(on)).toContain('OpenBSD 7.7 ');
	});
});
