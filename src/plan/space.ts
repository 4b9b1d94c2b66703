import type { Facts } from '../facts/facts.ts';
import type { Target } from '../fetch/target.ts';
import { bringsSets, type Manifest } from '../manifest/schema.ts';
import { inRange } from '../manifest/version.ts';
import type { Finding } from './finding.ts';
import { hostScope } from './host-scope.ts';
import { mountOf } from './mounts.ts';
import type { PlanOptions } from './options.ts';
import { scopeOf } from './values.ts';

const MIB = 1024 * 1024;

/**
 * What is too small before anything is fetched: what the era asks of /usr, the kernels on / and the packed files where they
 * are laid, by the mirror's sizes. `target`: null while the mirror tells nothing. A size it does not tell is a warning, never 0 in silence.
 */
export function spaceFindings(manifest: Manifest, facts: Facts, target: Target | null, options: PlanOptions): Finding[] {
	const fetched = target === null ? [] : scopeOf(manifest, facts, target, options).bring.files;
	// The list is known already, and tiny.
	const files = fetched.filter(({ name }) => name !== target?.list.file);
	const need = new Map<string, number>();
	const want = (path: string, bytes: number): void => {
		const mount = mountOf(facts, path);
		if (mount !== undefined) need.set(mount.path, (need.get(mount.path) ?? 0) + bytes);
	};
	const sum = (chosen: typeof files): number => chosen.reduce((all, file) => all + (file.size ?? 0), 0);
	const stage = hostScope(manifest, facts, options).sets;
	const kernels = bringsSets(manifest) ? Object.values(manifest.kernels) : [];

	want('/usr', (manifest.eras.find((one) => inRange(facts.release, one.running))?.usrFree ?? 0) * MIB);
	// nbsd beside the old kernel and its link, the other kernel, the install kernel (F:A.11)
	want('/', sum(files.filter(({ name }) => kernels.includes(name))));
	want(stage, sum(files));

	const found: Finding[] = [];
	for (const [path, bytes] of need) {
		const free = mountOf(facts, path)?.free ?? 0;
		if (free >= bytes) continue;
		found.push({
			id: 'space',
			severity: 'refuse',
			says: `${path} has ${Math.floor(free / MIB)} MiB free, ${Math.ceil(bytes / MIB)} are needed`,
			fix: `make room on ${path}, or choose another --sets DIR`,
		});
	}
	const unknown = files.filter(({ size }) => size === null).map(({ name }) => name);
	if (unknown.length > 0) {
		found.push({
			id: 'size-unknown',
			severity: 'warn',
			says: `the mirror does not tell the size of ${unknown.join(' ')}, so their space was not looked at`,
			fix: `see that ${stage} has room for them, or choose another --mirror`,
		});
	}
	return found;
}
