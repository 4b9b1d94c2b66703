import { join } from 'node:path';
import type { SetLayout } from '../fetch/verify-dir.ts';
import { listManifests } from '../manifest/list.ts';
import { loadAnyManifest } from '../manifest/load.ts';
import { bringsSets } from '../manifest/schema.ts';

/** What the manifests of the package tell of their systems' sets. `root`: the package, where manifests/ lies. Throws as loadAnyManifest. */
export async function setLayouts(root: string): Promise<SetLayout[]> {
	const layouts: SetLayout[] = [];
	for (const { file } of await listManifests(join(root, 'manifests'))) {
		const manifest = await loadAnyManifest(file);
		if ('target' in manifest || !bringsSets(manifest)) continue;
		const { mirror, sets } = manifest;
		if (sets.tops !== undefined && mirror.suffixFrom !== undefined) layouts.push({ suffixFrom: mirror.suffixFrom, tops: sets.tops });
	}
	return layouts;
}
