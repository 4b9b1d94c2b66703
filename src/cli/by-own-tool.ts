import type { Goal } from '../fetch/target.ts';
import type { Manifest } from '../manifest/schema.ts';
import { buildPlan } from '../plan/build.ts';
import { checkLines } from '../plan/checks.ts';
import type { Finding } from '../plan/finding.ts';
import { refusals } from '../plan/refusals.ts';
import { scopeOf } from '../plan/values.ts';
import type { Known, MadePlan } from './make-plan.ts';

/** The plan of a method whose tool on the host knows by itself from where it fetches, and whether the release is to be had. */
export function planByOwnTool(
	name: string,
	manifest: Manifest,
	{ request, to, facts, options, now }: Omit<Known, 'config' | 'later'>,
): MadePlan {
	const target: Goal = { name: to, kind: 'release', version: to, arch: facts.arch };
	const unused = (['mirror', 'trusted-list'] as const).filter((flag) => request[flag] !== undefined);
	const told = unused.map((flag): Finding => {
		const says = `${manifest.method} takes no --${flag}, the system's own tool fetches from where it is set up to`;
		return { id: `no-${flag}`, severity: 'refuse', says, fix: `leave out --${flag}` };
	});
	return {
		plan: buildPlan(manifest, facts, target, options, name),
		findings: [...told, ...refusals(manifest, facts, target, options, now)],
		checks: checkLines(manifest, facts, scopeOf(manifest, facts, target, options)),
	};
}
