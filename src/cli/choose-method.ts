import { join } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import type { Facts } from '../facts/facts.ts';
import { type Method, upgradesOf } from '../manifest/upgrades.ts';
import { inRange } from '../manifest/version.ts';
import { holdAll } from '../plan/checks.ts';
import { type Finding, refusing } from '../plan/finding.ts';
import { hostScope } from '../plan/host-scope.ts';
import type { PlanOptions } from '../plan/options.ts';
import { allFindings } from '../run/live-findings.ts';
import type { Transport } from '../transport/transport.ts';
import type { MadePlan } from './make-plan.ts';

/**
 * The methods that come into question, the best first: the one asked for, or those whose `preferred` holds on this host and then
 * those without one. Throws E_METHOD where there is none of that name, and what loading throws.
 */
export async function methodsFor(manifests: string, facts: Facts, options: PlanOptions, asked: string | undefined): Promise<Method[]> {
	const upgrades = await upgradesOf(manifests, facts.system);
	const holds = ({ manifest }: Method): boolean =>
		manifest.preferred !== undefined &&
		inRange(facts.release, manifest.preferred.running) &&
		holdAll(manifest.preferred.is, hostScope(manifest, facts, options).words);
	const found =
		asked === undefined
			? [...upgrades.filter(holds), ...upgrades.filter(({ manifest }) => manifest.preferred === undefined)]
			: upgrades.filter(({ manifest }) => manifest.method === asked);
	if (found.length > 0) return found;
	throw new BsdupError({
		code: 'E_METHOD',
		message:
			asked === undefined
				? `no method upgrades ${facts.system} ${facts.release}`
				: `there is no method ${JSON.stringify(asked)} for ${facts.system}`,
		next: [...upgrades.map(({ manifest }) => `--method ${manifest.method}`), `--manifest ${join('my', 'method.yaml')}`],
		exit: EXIT.usage,
	});
}

/**
 * The plan by the first method that nothing refuses, on the host as it is now; where all are refused, by the first. `chosen`, in
 * the plan's options, says why it is that one: only where there was a choice.
 */
export async function chooseMethod(
	methods: readonly Method[],
	plan: (method: Method, chosen: { chosen?: string }) => Promise<MadePlan>,
	transport: Transport | undefined,
): Promise<MadePlan> {
	const [first, ...others] = methods;
	if (first === undefined) throw new Error('no method to choose from');
	if (others.length === 0) return plan(first, {});
	const against: string[] = [];
	let made: MadePlan | undefined;
	for (const method of methods) {
		const why = against.length === 0 ? (method.manifest.preferred?.why ?? '') : `not by ${against.join('; not by ')}`;
		const one = await plan(method, { chosen: `Method ${method.manifest.method}: ${why}. Another is had by --method.` });
		made ??= one;
		// What the mirror does not tell, it tells none of them.
		if (one.plan instanceof BsdupError) break;
		const found = refusing(await allFindings(one, transport));
		if (found.length === 0) return one;
		against.push(`${method.manifest.method}: ${whatSpeaks(found)}`);
	}
	return made as MadePlan;
}

function whatSpeaks(findings: readonly Finding[]): string {
	return findings.map(({ says }) => says).join(', ');
}
