import type { Facts } from '../facts/facts.ts';
import type { SetsManifest } from '../manifest/schema.ts';
import type { PlanOptions } from './options.ts';

/** The mounted file system a path lies on. */
export function mountOf(facts: Facts, path: string): Facts['mounts'][number] | undefined {
	return facts.mounts
		.filter((mount) => mount.path === '/' || path === mount.path || path.startsWith(`${mount.path}/`))
		.sort((a, b) => b.path.length - a.path.length)[0];
}

/**
 * Where the sets are laid: the person's choice, or the manifest's place with the most free bytes on a file system of the host's own. Root
 * may write to none of another machine (nfs), and no install kernel mounts it.
 */
export function stageOf(manifest: Pick<SetsManifest, 'stage'>, facts: Facts, options: PlanOptions): string {
	if (options.sets !== null) return options.sets;
	const own = ownMounts(facts);
	const free = (path: string): number => {
		const mount = mountOf(facts, path);
		return mount !== undefined && own.includes(mount) ? mount.free : 0;
	};
	return manifest.stage.reduce((best, path) => (free(path) > free(best) ? path : best));
}

/** The host's own file systems, the root first. */
function ownMounts(facts: Facts): Facts['mounts'] {
	const root = facts.mounts.find(({ path }) => path === '/');
	return facts.mounts
		.filter(({ device, type }) => device.startsWith('/dev/') && type === root?.type)
		.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The lines that mount the host's own file systems below `top`, the root first: for a person at the install kernel's shell. */
export function mountsBelow(facts: Facts, top: string): string {
	return ownMounts(facts)
		.map(({ device, path }) => `mount ${device} ${top}${path === '/' ? '' : path}`)
		.join('; ');
}

/** The devices those lines mount, each once: a crash leaves file systems that are not mounted before they were checked. */
export function devicesBelow(facts: Facts): string[] {
	return [...new Set(ownMounts(facts).map(({ device }) => device))];
}

/** The disks those are on: their partitions have no devices at that shell until they are made. */
export function disksBelow(facts: Facts): string[] {
	return [...new Set(devicesBelow(facts).map((device) => device.slice('/dev/'.length).replace(/(\d)[a-z]$/, '$1')))];
}
