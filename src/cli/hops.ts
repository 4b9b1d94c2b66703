import { resolve } from 'node:path';
import { BsdupError } from '../errors.ts';
import type { Facts } from '../facts/facts.ts';
import { pinned } from '../fetch/target.ts';
import type { Manifest } from '../manifest/schema.ts';
import { nextRelease, releasesBetween } from '../manifest/version.ts';
import { goingOn } from '../plan/build.ts';
import type { Finding } from '../plan/finding.ts';
import type { Plan } from '../plan/plan.ts';
import { planText } from '../plan/text.ts';
import { usage } from './backup-flags.ts';
import type { MadePlan, PlanRequest } from './make-plan.ts';

/**
 * The targets of the hops to `to`, one release after another: nobody tests a skipped one; a single one where releases are not to be
 * gone through. Throws E_USAGE for what can be no release.
 */
export function hopsTo({ release }: Facts, to: string, reach: Manifest['reach'] = 'release'): string[] {
	// Releases that follow one another have one digit after the point (nextRelease).
	if (to !== 'snapshot' && reach === 'release' && !/^[1-9]\d*\.\d$/.test(to))
		throw usage(`${to} is no release: after 7.9 comes 8.0, so there is one digit after the point`, [`--to ${nextRelease(release)}`]);
	return to === 'snapshot' || reach !== 'release' ? [to] : releasesBetween(release, to);
}

/** What is expected to be true of the host when it runs `target`; the hop itself finds out what is. */
export function factsAfter(facts: Facts, target: NonNullable<Plan['target']>): Facts {
	const kernel = facts.kernel.replace(facts.release, target.version);
	const list = pinned(target);
	return {
		...facts,
		release: target.version,
		flavour: 'release',
		kernel,
		installedBuild: list?.build ?? null,
		installedList: list?.list.plainSha256 ?? null,
	};
}

/** The id of the run that follows `run` to the next release. */
export function runAfter(run: string): string {
	return `${run}-then`;
}

/**
 * What a plan keeps of a request, so that whoever goes on makes the next hop's plan alike, in whatever directory. A password in a mirror
 * is not kept.
 */
function keptOf(request: PlanRequest, mirrors: readonly string[]): NonNullable<Plan['onward']>['request'] {
	const { to = '', method, manifest, sets, mirror } = request;
	const file = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(path));
	const kept = {
		...{
			to,
			method,
			manifest: file(manifest),
			sets,
			...(mirror === undefined ? {} : { mirror: [...mirrors] }),
			backup: request.backup,
			exclude: request.exclude,
		},
		...{ 'backup-to': request['backup-to'], 'backup-device': request['backup-device'], 'backup-here': file(request['backup-here']) },
		...{ 'backup-format': request['backup-format'], 'volume-size': request['volume-size'], 'no-backup': request['no-backup'] },
		...{ 'no-packages': request['no-packages'], 'stop-forwarding': request['stop-forwarding'], 'fetch-on': request['fetch-on'] },
		...{ health: request.health, 'trusted-list': file(request['trusted-list']) },
		...{ watchdog: request.watchdog, unattended: request.unattended },
	};
	return Object.fromEntries(Object.entries(kept).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/**
 * The first hop's plan with those after it, and what speaks against any of them. `plan` makes one, of the hop's target, from the
 * facts expected then. Throws E_USAGE for a site set, which is of one release.
 */
export async function withLaterHops(
	first: MadePlan,
	later: readonly string[],
	request: PlanRequest,
	plan: (to: string, facts: Facts, run: string) => Promise<MadePlan>,
): Promise<MadePlan> {
	if ((request.site ?? []).length > 0) throw usage('a site set is of one release, this goes over several', ['--to the next release']);
	if (first.plan instanceof Error || first.plan.target === null) return first;
	const findings = [...first.findings];
	const hops: NonNullable<Plan['onward']>['hops'] = [];
	let before = first.plan;
	for (const to of later) {
		const made = await plan(to, factsAfter(before.facts, before.target as NonNullable<Plan['target']>), runAfter(before.run));
		findings.push(...made.findings.filter((one) => !findings.some(({ says }) => says === one.says)).map((one) => ofHop(to, one)));
		if (made.plan instanceof Error) return { ...first, plan: made.plan, findings };
		before = made.plan;
		hops.push({ to, list: pinned(before.target)?.list.sha256 ?? null, text: planText(before) });
	}
	return { ...first, findings, plan: goingOn(first.plan, { request: keptOf(request, pinned(before.target)?.mirrors ?? []), hops }) };
}

/** A finding about the hop to `to`, told as such. */
export function ofHop(to: string, finding: Finding): Finding {
	return { ...finding, says: `the hop to ${to}: ${finding.says}` };
}

/** Throws E_HOP unless the plan of a hop takes up where the one before it ended, to the release and the list that were pinned. */
export function mustFollow(before: Plan, plan: Plan): void {
	const hop = before.onward?.hops[0] ?? { to: '', list: null };
	const { release } = plan.facts;
	const runs = before.target?.version;
	const says =
		release !== runs
			? `${plan.facts.host} runs ${release}, not ${runs}`
			: plan.target?.version !== hop.to || (pinned(plan.target)?.list.sha256 ?? null) !== hop.list
				? `the list of ${hop.to} is another one than when the plan was made`
				: undefined;
	if (says === undefined) return;
	throw new BsdupError({
		code: 'E_HOP',
		message: `${before.run} is done, and does not go on to ${hop.to}: ${says}`,
		state: 'Nothing of this hop was begun.',
		next: [`bsdup upgrade HOST --to ${String(before.onward?.request['to'])}   (plans the rest anew)`],
	});
}
