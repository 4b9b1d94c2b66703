import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import { Facts } from '../facts/facts.ts';
import { gatherFacts } from '../facts/gather.ts';
import { loadProbes, systemOf } from '../facts/probes.ts';
import { resolveTarget } from '../fetch/resolve.ts';
import type { Target } from '../fetch/target.ts';
import { loadManifest } from '../manifest/load.ts';
import type { Manifest } from '../manifest/schema.ts';
import { inRange } from '../manifest/version.ts';
import { buildPlan } from '../plan/build.ts';
import { checkLines } from '../plan/checks.ts';
import type { Finding } from '../plan/finding.ts';
import { hostScope } from '../plan/host-scope.ts';
import type { Plan } from '../plan/plan.ts';
import { refusals, versionNamed } from '../plan/refusals.ts';
import { scopeOf } from '../plan/values.ts';
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

/** A plan and what speaks against it, as far as it is known without the live checks. */
export interface MadePlan {
	/** Or why the target could not be told; `findings` holds that too, and all that is known without it. */
	plan: Plan | BsdupError;
	findings: Finding[];
	/** The live checks, as sh lines. */
	checks: string[];
}

/**
 * Facts (from the host, or from a file) → target (from the mirror, pinned and verified) → findings → plan.
 * `transport` is undefined when facts come from a file. `root`: the package, where manifests/ lies. Throws errors of usage and of
 * the facts; one of the mirror, its list or its key is a finding, so that it hides no other.
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
	const now = transport === undefined ? null : Date.now() / 1000;
	const target = await targetOrError({
		name: request.to,
		arch: facts.arch,
		mirror: (request.mirror ?? facts.mirrors[0] ?? manifest.mirror.default).replace(/\/+$/, ''),
		keys: facts.keys,
		layout: layoutFor(manifest, facts),
	});
	if (target instanceof BsdupError) {
		const { code, message, next } = target;
		const host = hostScope(manifest, facts, options);
		const version = versionNamed(request.to);
		return {
			plan: target,
			findings: [
				{ id: code, severity: 'refuse', says: message, fix: next.join('; or ') },
				...refusals(manifest, facts, request.to, options, now),
			],
			checks: checkLines(manifest, facts, { ...host, values: { ...host.values, ...(version === null ? {} : { version }) } }),
		};
	}
	return {
		plan: buildPlan(manifest, facts, target, options, request.manifest ?? `${facts.system.toLowerCase()}/${request.method}`),
		findings: refusals(manifest, facts, target, options, now),
		checks: checkLines(manifest, facts, scopeOf(manifest, facts, target, options)),
	};
}

/** An error about the mirror is an answer here; one of usage is thrown, for nothing else can be told before it is mended. */
async function targetOrError(request: Parameters<typeof resolveTarget>[0]): Promise<Target | BsdupError> {
	try {
		return await resolveTarget(request);
	} catch (error) {
		if (error instanceof BsdupError && error.exit !== EXIT.usage) return error;
		throw error;
	}
}

function layoutFor(manifest: Manifest, facts: Facts): Parameters<typeof resolveTarget>[0]['layout'] {
	const { multi, single, ramdisk } = manifest.kernels;
	const { keyBundle } = manifest.mirror;
	return {
		release: manifest.mirror.release,
		snapshot: manifest.mirror.snapshot,
		lists: manifest.mirror.lists.filter((list) => inRange(facts.release, list.running)),
		keyName: manifest.mirror.keyName,
		...(manifest.mirror.archFrom === undefined ? {} : { archFrom: manifest.mirror.archFrom }),
		...(keyBundle !== undefined && inRange(facts.release, keyBundle.running) ? { keyBundle } : {}),
		suffixFrom: manifest.mirror.suffixFrom,
		build: manifest.mirror.build,
		sets: { file: manifest.sets.file, names: [...manifest.sets.order, ...manifest.sets.references.names] },
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
