import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadProbes } from '../../src/facts/probes.ts';
import { canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { ROOT } from '../lab/root.ts';

describe.skipIf(!canEnterTrees)('the sets that are installed on FreeBSD (needs root or user namespaces)', () => {
	const on = makeBareTree('14.3-RELEASE');
	afterAll(() => on.destroy());

	/** What the probe prints, a word a line. */
	async function told(): Promise<string[]> {
		const { probes } = await loadProbes(join(ROOT, 'manifests'), 'FreeBSD');
		return on
			.run(probes.find(({ id }) => id === 'sets')?.command ?? 'false')
			.stdout.trim()
			.split('\n');
	}

	test('are told by their files, not by directories that base and kernel have too', async () => {
		on.lay({ dirs: ['usr/share/doc/papers', 'usr/lib/debug/bin', 'usr/lib/debug/boot/kernel', 'usr/lib/debug/usr/lib32'] });
		expect(await told()).toEqual(['kernel', 'base', 'lib32']);
	});

	test('are told where they are there', async () => {
		const debug = ['lib/libc.so.7', 'boot/kernel/kernel', 'usr/lib32/libc.so.7'].map((path) => `usr/lib/debug/${path}.debug`);
		const files = ['usr/share/doc/papers/kerntune.ascii.gz', 'usr/games/fortune', 'usr/tests/Kyuafile', ...debug];
		on.lay({ files: Object.fromEntries(files.map((path) => [path, ''])) });
		const beside = ['doc', 'games', 'base-dbg', 'kernel-dbg', 'lib32-dbg', 'tests'];
		expect(await told()).toEqual(['kernel', 'base', 'lib32', ...beside]);
	});
});
