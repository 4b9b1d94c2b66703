import type { Facts } from '../facts/facts.ts';
import { type Goal, pinned, type Target } from '../fetch/target.ts';
import { bringsSets, type Manifest, type SetsManifest } from '../manifest/schema.ts';
import { compareVersions, inRange, isWithin, nextRelease } from '../manifest/version.ts';
import { holdAll } from './checks.ts';
import { type Finding, SAME_BUILD } from './finding.ts';
import { hostScope } from './host-scope.ts';
import type { PlanOptions } from './options.ts';
import { spaceFindings } from './space.ts';

/** A clock further off than this breaks TLS and the order of build dates. Seconds. */
const CLOCK_TOLERANCE = 300;

/**
 * Everything that can be told against the upgrade without asking the host again, all at once. `wanted`: the target, or only the
 * name that was asked for, where the mirror told nothing: then what needs its list is left out. `now`: seconds, the controller's
 * clock, or null where the facts are old.
 */
export function refusals(
	manifest: Manifest,
	facts: Facts,
	wanted: Target | Goal | string,
	options: PlanOptions,
	now: number | null,
): Finding[] {
	const target = typeof wanted === 'string' ? null : pinned(wanted);
	const version = typeof wanted === 'string' ? versionNamed(wanted) : wanted.version;
	return [
		...versionFindings(manifest, facts, version, options),
		...(target === null
			? []
			: [
					...targetFindings(facts, target, options),
					...(bringsSets(manifest) ? listFindings(manifest, facts, target) : []),
					...besideFindings(manifest, target),
				]),
		...optionFindings(manifest, options),
		...hostFindings(facts, options, now),
		...spaceFindings(manifest, facts, target, options),
	];
}

/** The version in the name of a release; only the mirror's list tells a snapshot's. */
export function versionNamed(name: string): string | null {
	return name === 'snapshot' ? null : name;
}

function refusal(id: string, says: string, fix: string): Finding {
	return { id, severity: 'refuse', says, fix };
}

/** Why the manifest refuses to go from one version to another, or a host of which these words hold; a later hop's host is not known. */
export function crossings(manifest: Manifest, from: string, to: string, words?: ReadonlySet<string>): Finding[] {
	const holds = (is: string[] | undefined): boolean => is === undefined || (words !== undefined && holdAll(is, words));
	const met = manifest.refused.filter(({ running, target, is }) => inRange(from, running) && inRange(to, target) && holds(is));
	return met.map(({ is, why, next }) => refusal(is === undefined ? 'crossing' : 'host-kind', why, next));
}

/** `to`: the version to go to, or null where it is not known. */
function versionFindings(manifest: Manifest, facts: Facts, to: string | null, options: PlanOptions): Finding[] {
	const from = facts.release;
	const found: Finding[] = [];
	if (facts.system !== manifest.system)
		found.push(refusal('system', `the host runs ${facts.system}, the manifest is for ${manifest.system}`, 'choose another --manifest'));
	if (!manifest.eras.some((era) => inRange(from, era.running)))
		found.push(refusal('era', `no era of the manifest holds ${from}`, 'see bsdup manifest show'));
	if (to === null) return found;
	found.push(...crossings(manifest, from, to, hostScope(manifest, facts, options).words));
	if (compareVersions(to, from) < 0)
		found.push(refusal('downgrade', `${to} is older than the running ${from}`, 'choose a newer target; going back is a restore'));
	else if (!isWithin(manifest.reach, from, to)) {
		const fix = manifest.reach === 'release' ? `--to ${nextRelease(from)} first` : 'go to a release of the next major version first';
		found.push(refusal('skipped-release', `${from} to ${to} skips a release, which nobody tests`, fix)); // F:A.1
	}
	return found;
}

function targetFindings(facts: Facts, target: Target, options: PlanOptions): Finding[] {
	const found: Finding[] = [];
	if (target.kind === 'release' && facts.release === target.version && facts.flavour === 'current')
		found.push(refusal('downgrade', `${facts.kernel} is newer than the release ${target.version}`, '--to snapshot'));
	if (target.build !== null && facts.installedBuild !== null && target.build < facts.installedBuild) {
		const older = 'the mirror holds an older build than the one installed'; // F:A.5
		const fix = 'wait for the mirror, or choose another --mirror; --allow-older takes it all the same';
		found.push({ ...refusal('older-build', older, fix), ...(options.older === true ? { severity: 'warn' } : {}) });
	}
	if (facts.installedList === target.list.plainSha256) {
		const wait = target.kind === 'snapshot' ? 'wait for a newer one; ' : '';
		const same = refusal(SAME_BUILD, 'this very build is installed already', `${wait}--again lays it anew`); // F:A.5
		found.push({ ...same, ...(options.again === true ? { severity: 'warn' } : {}) });
	}
	if (facts.arch !== target.arch)
		found.push(refusal('arch', `the host is ${facts.arch}, the sets are for ${target.arch}`, 'choose the right mirror folder'));
	return found;
}

/** What the list itself leaves open. */
function listFindings({ sets, mirror }: SetsManifest, facts: Facts, target: Target): Finding[] {
	const found: Finding[] = [];
	const file = (set: string): string => sets.file.replace('{{set}}', set).replace('{{suffix}}', target.suffix);
	const absent = sets.required.filter((set) => !target.files.some(({ name }) => name === file(set)));
	if (absent.length > 0)
		found.push(refusal('set-absent', `the list has no ${absent.map(file).join(' ')}`, 'choose another --mirror, or another release'));
	const { copy } = mirror.lists.find(({ running }) => inRange(facts.release, running)) ?? {};
	if (copy !== undefined && target.list.key === null) {
		const says = `nothing but the mirror's own word vouches for ${target.list.file}, which is not signed`;
		found.push({ id: 'list-unproven', severity: 'warn', says, fix: '--trusted-list FILE, a copy from a source you trust' });
	}
	return found;
}

/** Nobody shall believe in what the method does not do. */
function optionFindings(manifest: Manifest, { backup, health = [], sets }: PlanOptions): Finding[] {
	const { method, steps } = manifest;
	const found: Finding[] = [];
	if (sets !== null && !bringsSets(manifest))
		found.push(refusal('no-sets', `${method} brings no sets, the system's own tool fetches what it installs`, 'leave out --sets'));
	if (backup !== null && !steps.some(({ is = [] }) => is.includes('backup')))
		found.push(refusal('no-backup', `${method} makes no backup of its own`, 'make one by other means, then give --no-backup'));
	if (health.length > 0 && !steps.some(({ each }) => each?.over === 'health'))
		found.push(refusal('no-health', `${method} asks for no health of yours`, 'leave out --health, and look after the upgrade'));
	return found;
}

function besideFindings({ beside }: Manifest, target: Target): Finding[] {
	const missing = beside
		.map((name) => name.replace('{{arch}}', target.arch))
		.filter((name) => !target.files.some((file) => file.name === name));
	if (missing.length === 0) return [];
	return [
		refusal(
			'beside',
			`the list does not hold ${missing.join(' ')}, without which this method cannot go on`,
			'choose another --mirror or --method',
		),
	];
}

function hostFindings(facts: Facts, options: PlanOptions, now: number | null): Finding[] {
	const found: Finding[] = [];
	found.push(...taskRefusals(facts, options, now));
	if (facts.customKernel)
		found.push(refusal('custom-kernel', `the host runs a kernel of its own: ${facts.kernel}`, 'boot GENERIC first, or upgrade by hand'));
	if (facts.encryptedRoot && options.unattended) {
		const fix = 'use a key disk, or run it at the console without --unattended';
		found.push(refusal('encrypted-root', 'a reboot waits at the loader for the passphrase', fix));
	}
	if (now !== null && Math.abs(facts.clock - now) > CLOCK_TOLERANCE) {
		const off = Math.round(Math.abs(facts.clock - now));
		found.push(refusal('clock', `the host's clock is ${off} s off`, 'set it with rdate or ntpd -s first'));
	}
	return found;
}

/** What can be told against any job on the host, one that leaves the system as it is too. */
export function taskRefusals(facts: Facts, options: PlanOptions, now: number | null): Finding[] {
	const found: Finding[] = [];
	const { user, root, doas, sudo } = facts.privileges;
	// Old facts may have been gathered by another login than the one that will run the script.
	if (now !== null && !root) {
		const fix = doas ? '--become doas' : sudo ? '--become sudo' : 'log in as root, or let the login use doas or sudo without a password';
		found.push(refusal('root', `the login ${user} is not root`, fix));
	}
	const { dir = '', paths = [], excludes = [] } = options.backup ?? {};
	const leftOut = excludes.some((path) => path.startsWith('/') && isBelow(dir, path));
	const around = dir === '' || leftOut ? undefined : paths.find((path) => isBelow(dir, path));
	if (around !== undefined) {
		const says = `the backup would hold itself: ${dir} lies below ${around}`;
		found.push(refusal('backup-inside', says, 'choose another --backup-to, or narrower --backup paths'));
	}
	return found;
}

/** Whether a directory is `path`, or lies below it. */
function isBelow(dir: string, path: string): boolean {
	return `${dir}/`.startsWith(`${path.replace(/\/+$/, '')}/`);
}
