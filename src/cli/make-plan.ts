import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import { Facts } from '../facts/facts.ts';
import { gatherFacts } from '../facts/gather.ts';
import { loadProbes, systemOf } from '../facts/probes.ts';
import { resolveTarget } from '../fetch/resolve.ts';
import { loadManifest } from '../manifest/load.ts';
import type { Manifest } from '../manifest/schema.ts';
import { inRange } from '../manifest/version.ts';
import { buildPlan } from '../plan/build.ts';
import type { Plan } from '../plan/plan.ts';
import { type Finding, refusals } from '../plan/refusals.ts';
import type { Transport } from '../transport/transport.ts';
import { checkSite } from './check-site.ts';
import { type PlanFlags, planOptions } from './plan-flags.ts';

/** What a plan is made from besides its options. */
export interface PlanRequest extends PlanFlags {
	to?: string | undefined;
	mirror?: string | undefined;
	manifest?: string | undefined;
	method: string;
	facts?: string | undefined;
}

/** A plan and what speaks against it; empty findings = it may run. */
export interface MadePlan {
	plan: Plan;
	findings: Finding[];
}

/**
 * Facts (from the host, or from a file) → target (from the mirror, pinned and verified) → findings → plan.
 * `transport` is undefined when facts come from a file. `root`: the package, where manifests/ lies.
 */
export async function makePlan(request: PlanRequest, transport: Transport | undefined, root: string): Promise<MadePlan> {
	if (request.to === undefined || !/^(snapshot|\d+\.\d+)$/.test(request.to)) {
		throw new BsdupError({
			code: 'E_USAGE',
			message: `${request.to === undefined ? 'no target' : JSON.stringify(request.to)}: where shall it go?`,
			next: ['--to snapshot', '--to 7.8'],
			exit: EXIT.usage,
		});
	}
	const manifests = join(root, 'manifests');
	const facts =
		transport === undefined
			? readFacts(request.facts ?? '')
			: await gatherFacts(transport, await loadProbes(manifests, await systemOf(transport)));
	const options = planOptions(request, facts.host, new Date());
	// Without a host a person lays the site sets there.
	if (transport !== undefined) await checkSite(options.site);
	const file = request.manifest ?? join(manifests, facts.system.toLowerCase(), `${request.method}.yaml`);
	const manifest = await loadManifest(file);
	const target = await resolveTarget({
		name: request.to,
		arch: facts.arch,
		mirror: (request.mirror ?? facts.mirrors[0] ?? manifest.mirror.default).replace(/\/+$/, ''),
		keys: facts.keys,
		layout: layoutFor(manifest, facts),
	});
	const findings = refusals(manifest, facts, target, options, transport === undefined ? null : Date.now() / 1000);
	return {
		plan: buildPlan(manifest, facts, target, options, request.manifest ?? `${facts.system.toLowerCase()}/${request.method}`),
		findings,
	};
}

/** Throws E_REFUSED with all findings, each with what to do; nothing when there are none. */
export function refuse(findings: readonly Finding[]): void {
	if (findings.length === 0) return;
	throw new BsdupError({
		code: 'E_REFUSED',
		message: `this upgrade is refused:\n${findings.map(({ says, fix }) => `- ${says}\n  ${fix}`).join('\n')}`,
		next: ['mend these, then try again'],
	});
}

function layoutFor(manifest: Manifest, facts: Facts): Parameters<typeof resolveTarget>[0]['layout'] {
	const { multi, single, ramdisk } = manifest.kernels;
	return {
		release: manifest.mirror.release,
		snapshot: manifest.mirror.snapshot,
		lists: manifest.mirror.lists.filter((list) => inRange(facts.release, list.running)),
		keyName: manifest.mirror.keyName,
		suffixFrom: manifest.mirror.suffixFrom,
		build: manifest.mirror.build,
		kernels: [single, multi, ramdisk],
	};
}

function readFacts(file: string): Facts {
	try {
		return Facts.parse(JSON.parse(readFileSync(file, 'utf8')));
	} catch (cause) {
		throw new BsdupError({
			code: 'E_FACTS_FILE',
			message: `${file} holds no facts`,
			next: [`bsdup facts HOST --json > ${file}`],
			exit: EXIT.usage,
			cause,
		});
	}
}
