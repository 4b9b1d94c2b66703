import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { linesOf, planOfSets, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

/** 6 MiB of kernel, 4 of other files of the root, 8 of /usr; 2 and 3 of them are there already. The margins are 10, 20 and 20. */
const MIB = 1 << 20;
const FILES = { kernel: { 'boot/kernel/kernel': 6 }, base: { 'sbin/large': 4, 'usr/bin/large': 8 } };
const THERE = { 'sbin/large': 2, 'usr/bin/large': 3 };

describe.skipIf(!canEnterTrees)('the space for the sets of FreeBSD (needs root or user namespaces)', () => {
	/** What the step says where file systems have so much free, in MiB, by mount point. */
	async function looked(free: Record<string, number>): Promise<{ status: number | null; said: string[] }> {
		const on = makeBareTree('14.3-RELEASE');
		tree = on;
		const plan = await planOfSets();
		const here = Object.keys(free).sort((a, b) => b.length - a.length);
		const mounts = here.map((m) => `${m === '/' ? '/*' : `${m}|${m}/*`}) echo "d 9999999 1 ${(free[m] ?? 0) * 1024} 1% ${m}" ;;`);
		on.lay({
			dirs: [plan.dir, plan.sets],
			programs: { df: `echo Filesystem\ncase $2 in ${mounts.join(' ')} esac\n`, du: 'echo "2048 /rescue"' },
		});
		const sized = (files: Record<string, number>, top: string): void => {
			for (const [path, mib] of Object.entries(files)) on.lay({ files: { [join(top, path)]: 'x'.repeat(mib * MIB) } });
		};
		sized(THERE, '/');
		for (const [set, files] of Object.entries(FILES)) {
			sized(files, `made/${set}`);
			expect(on.run(`tar -cJf ${plan.sets}/${set}.txz -C /made/${set} .`)).toMatchObject({ status: 0 });
		}
		const { status, stdout } = runLines(on, linesOf(plan, 'space'));
		return { status, said: stdout.trimEnd().split('\n').sort() };
	}

	test('is looked at by file system, where the kernel and what base grows by come together', async () => {
		const { status, said } = await looked({ '/': 45, '/usr': 30 });
		expect(said).toEqual(['/ grows by 40 MiB at the most, 45 are free', '/usr grows by 25 MiB at the most, 30 are free']);
		expect(status).toBe(0);
	});

	test('is too little where it would do for each of them, and not for all', async () => {
		const { status, said } = await looked({ '/': 60 });
		expect(said).toEqual(['/ grows by 65 MiB at the most, 60 are free', 'make room on /']);
		expect(status).toBe(1);
	});
});
