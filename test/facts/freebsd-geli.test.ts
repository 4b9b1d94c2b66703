import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadProbes } from '../../src/facts/probes.ts';
import { canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { ROOT } from '../lab/root.ts';

/** Of geli(8): a provider that is attached at boot, one that rc(8) attaches, and what `dump` tells of the first. */
const geli = (iterations: string): string => `case "$1" in
list) printf '%s\\n' 'Geom name: ada0p4.eli' 'State: ACTIVE' 'Flags: BOOT' 'Geom name: ada1.eli' 'State: ACTIVE' 'Flags: NONE' ;;
dump) [ "$2" = ada0p4 ] && ${iterations} ;;
esac`;

describe.skipIf(!canEnterTrees)('a provider of geli that is attached at boot (needs root or user namespaces)', () => {
	const on = makeBareTree('14.3-RELEASE');
	afterAll(() => on.destroy());

	/** Whether a boot waits for a passphrase. */
	async function asks(program: string): Promise<boolean> {
		const { probes } = await loadProbes(join(ROOT, 'manifests'), 'FreeBSD');
		on.lay({ programs: { geli: program } });
		return on.run(probes.find(({ id }) => id === 'encryptedRoot')?.command ?? 'exit 9').status === 0;
	}

	test('asks for its passphrase', async () => {
		expect(await asks(geli("echo 'iterations: 283212'"))).toBe(true);
	});

	test('asks nobody where key files alone open it', async () => {
		expect(await asks(geli("echo 'iterations: -1'"))).toBe(false);
	});

	test('is taken to ask where its metadata cannot be read', async () => {
		expect(await asks(geli('{ echo "geli: Cannot read metadata from ada0p4: Permission denied." >&2; false; }'))).toBe(true);
	});
});
