import { afterEach, describe, expect, test } from 'vitest';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { linesOf, planOfSets, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

describe.skipIf(!canEnterTrees)('the set of the kernel (needs root or user namespaces)', () => {
	/** What the step says that looks at the sets, of such files beside the kernel. */
	async function looked(beside: Record<string, string>, dirs: string[] = []): Promise<string> {
		const on = makeBareTree('14.3-RELEASE');
		tree = on;
		const plan = await planOfSets();
		const made = { 'boot/kernel/kernel': 'FreeBSD 15.0-RELEASE\n', 'boot/kernel/zfs.ko': 'module\n', ...beside };
		const files = Object.fromEntries(Object.entries(made).map(([path, text]) => [`made/${path}`, text]));
		on.lay({ dirs: [plan.dir, plan.sets, ...dirs.map((path) => `made/${path}`)], files });
		expect(on.run(`tar -cJf ${plan.sets}/kernel.txz -C /made .`)).toMatchObject({ status: 0 });
		const { status, stdout } = runLines(on, linesOf(plan, 'release'));
		expect(status).not.toBe(0);
		return stdout;
	}

	test('may hold nothing but a kernel, which is told before anything is asked', async () => {
		expect(await looked({ 'boot/dtb/rockchip/board.dtb': 'device tree\n' })).toMatch(
			/^\.\/boot\/dtb.*\nkernel\.txz holds more than a kernel/,
		);
	});

	test('is taken where it holds a kernel and its modules', async () => {
		expect(await looked({})).toBe('/rescue/tar does not read the set\n');
	});

	test('is taken with the empty directories of its symbols, as releases before 15 have it', async () => {
		expect(await looked({}, ['usr/lib/debug/boot/kernel'])).toBe('/rescue/tar does not read the set\n');
	});
});
