import type { Facts } from '../facts/facts.ts';
import type { SetsManifest } from '../manifest/schema.ts';
import type { PlanOptions } from './options.ts';

/** The mounted file system a path lies on. */
export function mountOf(facts: Facts, path: string): Facts['mounts'][number] | undefined {
	return facts.mounts
		.filter((mount) => mount.path === '/' || path === mount.path || path.startsWith(`${mount.path}/`))
		.sort((a, b) => b.path.length - a.path.length)[0];
}

/** Where the sets are laid: the person's choice, or the manifest's place with the most free bytes. */
export function stageOf(manifest: Pick<SetsManifest, 'stage'>, facts: Facts, options: PlanOptions): string {
	if (options.sets !== null) return options.sets;
	const free = (path: string): number => mountOf(facts, path)?.free ?? 0;
	return manifest.stage.reduce((best, path) => (free(path) > free(best) ? path : best));
}

/** The lines that mount the host's own file systems below `top`, the root first: for a person at the install kernel's shell. */
export function mountsBelow(facts: Facts, top: string): string {
	const root = facts.mounts.find(({ path }) => path === '/');
	return facts.mounts
		.filter(({ device, type }) => device.startsWith('/dev/') && type === root?.type)
		.sort((a, b) => (a.path < b.path ? -1 : 1))
		.map(({ device, path }) => `mount ${device} ${top}${path === '/' ? '' : path}`)
		.join('; ');
}
