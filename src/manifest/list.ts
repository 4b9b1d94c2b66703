import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** What the system's own file of probes is called; it lies beside the methods and is none. */
const PROBES = 'facts.yaml';
/** Folder of what manifests share: no manifests by themselves. */
const PARTS = 'parts';

/** A manifest that comes with the package. */
export interface ManifestFile {
	/** `system/method`, as `--manifest` and `manifest show` name it. */
	name: string;
	file: string;
}

/** The manifests below `dir`, sorted by name. Throws what readdir(3) throws. */
export async function listManifests(dir: string): Promise<ManifestFile[]> {
	const entries = await readdir(dir, { withFileTypes: true, recursive: true });
	return entries
		.filter((entry) => entry.isFile() && entry.name.endsWith('.yaml') && entry.name !== PROBES && basename(entry.parentPath) !== PARTS)
		.map((entry) => join(entry.parentPath, entry.name))
		.map((file) => ({ name: file.slice(dir.length + 1, -'.yaml'.length), file }))
		.sort((a, b) => (a.name < b.name ? -1 : 1));
}
