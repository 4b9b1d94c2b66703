import type { Facts } from '../facts/facts.ts';
import { mirrorTop } from '../fetch/mirror-url.ts';
import type { Layout } from '../fetch/resolve.ts';
import type { SetsManifest } from '../manifest/schema.ts';
import { inRange } from '../manifest/version.ts';
import type { Config } from './config.ts';

/** The mirrors in the order of preference: those asked for, else a person's own, else the host's, else the manifest's. */
export function mirrorsFor(
	asked: readonly string[] | undefined,
	config: Config,
	facts: Pick<Facts, 'mirrors'>,
	manifest: SetsManifest,
): string[] {
	const choices = [asked ?? [], config.mirrors, facts.mirrors, [manifest.mirror.default]];
	return [...new Set((choices.find((some) => some.length > 0) ?? []).map(mirrorTop))];
}

/** What the manifest tells of mirrors, for a host that runs `release`. */
export function layoutFor(manifest: SetsManifest, facts: Pick<Facts, 'release' | 'packageArch'>): Layout {
	const { multi, single, ramdisk } = manifest.kernels;
	const { archive, key, keyBundle, snapshot, suffixFrom, build } = manifest.mirror;
	const here = (text: string): string => text.replace('{{packageArch}}', facts.packageArch);
	return {
		release: here(manifest.mirror.release),
		...(archive === undefined ? {} : { archive: { ...archive, release: here(archive.release) } }),
		...(snapshot === undefined ? {} : { snapshot: here(snapshot) }),
		lists: manifest.mirror.lists
			.filter((list) => inRange(facts.release, list.running))
			.map(({ file, signed, copy }) => ({ file, signed, ...(copy === undefined ? {} : { copy: here(copy) }) })),
		keyName: manifest.mirror.keyName,
		...(key === undefined ? {} : { key }),
		...(manifest.mirror.archFrom === undefined ? {} : { archFrom: manifest.mirror.archFrom }),
		...(keyBundle !== undefined && inRange(facts.release, keyBundle.running) ? { keyBundle } : {}),
		...(suffixFrom === undefined ? {} : { suffixFrom }),
		...(build === undefined ? {} : { build }),
		sets: { file: manifest.sets.file, names: [...manifest.sets.order, ...manifest.sets.references.names] },
		kernels: [single, multi, ramdisk].filter((name) => name !== undefined),
	};
}
