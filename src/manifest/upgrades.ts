import { listManifests } from './list.ts';
import { loadAnyManifest } from './load.ts';
import type { Manifest } from './schema.ts';

/** An upgrade method of a system. */
export interface Method {
	/** `system/method`, or the file a person named. */
	name: string;
	manifest: Manifest;
}

/** The upgrade methods of a system (its name as the facts tell it) below `manifests`, by name. Throws what loading throws. */
export async function upgradesOf(manifests: string, system: string): Promise<Method[]> {
	const files = (await listManifests(manifests)).filter(({ name }) => name.startsWith(`${system.toLowerCase()}/`));
	const all = await Promise.all(files.map(async ({ name, file }) => ({ name, manifest: await loadAnyManifest(file) })));
	return all.flatMap(({ name, manifest }) => ('target' in manifest ? [] : [{ name, manifest }]));
}
