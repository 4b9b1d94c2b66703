import type { Facts } from '../facts/facts.ts';
import type { Target } from '../fetch/target.ts';
import type { Manifest } from '../manifest/schema.ts';
import { compareVersions, inRange, isNextOrSame, nextRelease } from '../manifest/version.ts';
import type { PlanOptions } from './options.ts';

/** Something that speaks against the upgrade, and what to do about it. */
export interface Finding {
	id: string;
	says: string;
	fix: string;
}

const MIB = 1024 * 1024;
/** A clock further off than this breaks TLS and the order of build dates. Seconds. */
const CLOCK_TOLERANCE = 300;

/** Everything the facts alone can tell against going to `target`, all at once. `now`: seconds, the controller's clock, or null. */
export function refusals(manifest: Manifest, facts: Facts, target: Target, options: PlanOptions, now: number | null): Finding[] {
	const found: Finding[] = [];
	const add = (id: string, says: string, fix: string): void => void found.push({ id, says, fix });
	const [from, to] = [facts.release, target.version];

	if (facts.system !== manifest.system)
		add('system', `the host runs ${facts.system}, the manifest is for ${manifest.system}`, 'choose another --manifest');
	if (!manifest.eras.some((era) => inRange(from, era.running)))
		add('era', `no era of the manifest holds ${from}`, 'see bsdup manifest show');
	for (const crossing of manifest.refused) {
		if (inRange(from, crossing.running) && inRange(to, crossing.target)) add('crossing', crossing.why, crossing.next);
	}
	if (compareVersions(to, from) < 0)
		add('downgrade', `${to} is older than the running ${from}`, 'choose a newer target; going back is a restore');
	else if (!isNextOrSame(from, to))
		add('skipped-release', `${from} to ${to} skips a release, which nobody tests (F:A.1)`, `--to ${nextRelease(from)} first`);
	if (target.kind === 'release' && from === to && facts.flavour === 'current')
		add('downgrade', `${facts.kernel} is newer than the release ${to}`, '--to snapshot');
	if (target.build !== null && facts.installedBuild !== null && target.build < facts.installedBuild) {
		add('older-build', 'the mirror holds an older build than the one installed (F:A.5)', 'wait for the mirror, or choose another --mirror');
	}
	if (facts.arch !== target.arch)
		add('arch', `the host is ${facts.arch}, the sets are for ${target.arch}`, 'choose the right mirror folder');
	if (facts.customKernel)
		add('custom-kernel', `the host runs a kernel of its own: ${facts.kernel}`, 'boot GENERIC first, or upgrade by hand');
	if (facts.encryptedRoot && options.unattended)
		add(
			'encrypted-root',
			'a reboot waits at the loader for the passphrase',
			'use a key disk, or run it at the console without --unattended',
		);
	if (now !== null && Math.abs(facts.clock - now) > CLOCK_TOLERANCE) {
		add('clock', `the host's clock is ${Math.round(Math.abs(facts.clock - now))} s off`, 'set it with rdate or ntpd -s first');
	}
	for (const fault of spaceFindings(manifest, facts, target, options)) found.push(fault);
	return found;
}

function spaceFindings(manifest: Manifest, facts: Facts, target: Target, options: PlanOptions): Finding[] {
	const found: Finding[] = [];
	const need = new Map<string, number>();
	const want = (path: string, bytes: number): void => {
		const mount = mountOf(facts, path);
		if (mount !== undefined) need.set(mount.path, (need.get(mount.path) ?? 0) + bytes);
	};
	const size = (name: string): number => target.files.find((file) => file.name === name)?.size ?? 0;
	const era = manifest.eras.find((one) => inRange(facts.release, one.running));
	want('/usr', (era?.usrFree ?? 0) * MIB);
	// nbsd beside the old kernel and its link, the other kernel, the install kernel (F:A.11)
	want('/', size(manifest.kernels.multi) + size(manifest.kernels.single) + size(manifest.kernels.ramdisk));
	want(
		stageOf(manifest, facts, options),
		target.files.reduce((sum, file) => sum + (file.size ?? 0), 0),
	);
	for (const [path, bytes] of need) {
		const free = facts.mounts.find((mount) => mount.path === path)?.free ?? 0;
		if (free < bytes) {
			found.push({
				id: 'space',
				says: `${path} has ${Math.floor(free / MIB)} MiB free, ${Math.ceil(bytes / MIB)} are needed`,
				fix: `make room on ${path}, or choose another --sets DIR`,
			});
		}
	}
	return found;
}

/** The mounted file system a path lies on. */
export function mountOf(facts: Facts, path: string): Facts['mounts'][number] | undefined {
	return facts.mounts
		.filter((mount) => mount.path === '/' || path === mount.path || path.startsWith(`${mount.path}/`))
		.sort((a, b) => b.path.length - a.path.length)[0];
}

/** Where the sets are laid: the person's choice, or the manifest's place with the most free bytes. */
export function stageOf(manifest: Manifest, facts: Facts, options: PlanOptions): string {
	if (options.sets !== null) return options.sets;
	const free = (path: string): number => mountOf(facts, path)?.free ?? 0;
	return manifest.stage.reduce((best, path) => (free(path) > free(best) ? path : best));
}
