import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import { Facts } from '../facts/facts.ts';
import { gatherFacts } from '../facts/gather.ts';
import { loadProbes, systemOf } from '../facts/probes.ts';
import { mirrorTop } from '../fetch/mirror-url.ts';
import { loadManifest } from '../manifest/load.ts';
import { bringsSets } from '../manifest/schema.ts';
import type { Method } from '../manifest/upgrades.ts';
import type { Finding } from '../plan/finding.ts';
import type { PlanOptions } from '../plan/options.ts';
import type { Plan } from '../plan/plan.ts';
import { crossings } from '../plan/refusals.ts';
import { quote } from '../transport/quote.ts';
import type { Transport } from '../transport/transport.ts';
import { usage } from './backup-flags.ts';
import { planByOwnTool } from './by-own-tool.ts';
import { planBySets } from './by-sets.ts';
import { checkSite } from './check-site.ts';
import { chooseMethod, methodsFor } from './choose-method.ts';
import { type Config, readConfig } from './config.ts';
import { hopsTo, ofHop, withLaterHops } from './hops.ts';
import { type PlanFlags, planOptions } from './plan-flags.ts';
import { targetNamed } from './target-flags.ts';

/** What a plan is made from besides its options. */
export interface PlanRequest extends PlanFlags {
	to?: string | undefined;
	mirror?: string[] | undefined;
	manifest?: string | undefined;
	/** Undefined: the preferred one that nothing speaks against. */
	method?: string | undefined;
	'trusted-list'?: string | undefined;
	facts?: string | undefined;
}

/** A plan and what speaks against it, as far as it is known without the live checks. */
export interface MadePlan {
	/** Or why the target could not be told; `findings` holds that too, and all that is known without it. */
	plan: Plan | BsdupError;
	findings: Finding[];
	/** The live checks, as sh lines. */
	checks: string[];
	/** What it is a plan of, for people; default: an upgrade. */
	job?: string;
}

/**
 * Facts (from the host, or from a file) → target (from the mirror, pinned and verified) → findings → plan.
 * `transport` is undefined when facts come from a file. `root`: the package, where manifests/ lies. Throws errors of usage and of
 * the facts; one of the mirror, its list or its key is a finding, so that it hides no other.
 */
export async function makePlan(request: PlanRequest, transport: Transport | undefined, root: string): Promise<MadePlan> {
	const wanted = targetNamed(request.to);
	if (wanted === undefined) {
		const next = ['--to snapshot', '--to 7.8', '--to 15.0-RELEASE'];
		throw usage(`${request.to === undefined ? 'no target' : JSON.stringify(request.to)}: where shall it go?`, next);
	}
	const config = readConfig();
	for (const mirror of request.mirror ?? []) mirrorTop(mirror);
	const manifests = join(root, 'manifests');
	const facts =
		transport === undefined
			? readFacts(request.facts ?? '')
			: await gatherFacts(transport, await loadProbes(manifests, await systemOf(transport)));
	const options = planOptions(request, facts.host, new Date());
	// Without a host a person lays the site sets there.
	if (transport !== undefined) await checkSite(options.site);
	const methods =
		request.manifest === undefined
			? await methodsFor(manifests, facts, options, request.method)
			: [{ name: request.manifest, manifest: await loadManifest(request.manifest) }];
	const [to = wanted, ...later] = hopsTo(facts, wanted, methods[0]?.manifest.reach);
	const known = { request, to, config, facts, options, now: transport === undefined ? null : Date.now() / 1000 };
	const made = await chooseMethod(methods, (method, chosen) => planBy(method, { ...known, options: { ...options, ...chosen } }), transport);
	const method = methods.find(({ name }) => !(made.plan instanceof BsdupError) && name === made.plan.manifest);
	// A flag day on the way is told even where the mirror tells nothing.
	const days = later.flatMap((next, index) =>
		crossings((method ?? (methods[0] as Method)).manifest, [to, ...later][index] ?? to, next).map((one) => ofHop(next, one)),
	);
	if (later.length === 0 || method === undefined || days.length > 0) return { ...made, findings: [...made.findings, ...days] };
	return withLaterHops(made, later, request, (next, expected, run) =>
		planBy(method, { ...known, to: next, facts: expected, options: { ...options, run }, later: true }),
	);
}

/** What one plan is made from, whatever the method. */
export interface Known {
	request: PlanRequest;
	to: string;
	config: Config;
	facts: Facts;
	options: PlanOptions;
	/** Seconds; null where the facts are old. */
	now: number | null;
	/** A hop after the first: its list's key may be still to come. */
	later?: boolean;
}

/** The plan by one method, and what speaks against it. */
async function planBy({ name, manifest }: Method, known: Known): Promise<MadePlan> {
	if (known.to === 'snapshot' && manifest.mirror?.snapshot === undefined)
		throw usage(`${manifest.method} goes to releases only`, ['--to X.Y']);
	if (!bringsSets(manifest)) return planByOwnTool(name, manifest, known);
	return planBySets(name, manifest, known);
}

/** Reads facts gathered earlier. Throws E_FACTS_FILE. */
export function readFacts(file: string): Facts {
	try {
		return Facts.parse(JSON.parse(readFileSync(file, 'utf8')));
	} catch (cause) {
		throw new BsdupError({
			code: 'E_FACTS_FILE',
			message: `${file} holds no facts`,
			next: [`bsdup facts HOST --json > ${quote(file)}`],
			exit: EXIT.usage,
			cause,
		});
	}
}
