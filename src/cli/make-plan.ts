import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import { Facts } from '../facts/facts.ts';
import { gatherFacts } from '../facts/gather.ts';
import { loadProbes, systemOf } from '../facts/probes.ts';
import { bare } from '../fetch/mirror-errors.ts';
import { hasLogin, mirrorTop } from '../fetch/mirror-url.ts';
import type { Layout } from '../fetch/resolve.ts';
import { type AnyRequest, type Resolved, resolveFromAny } from '../fetch/resolve-any.ts';
import { loadManifest } from '../manifest/load.ts';
import { bringsSets, type SetsManifest } from '../manifest/schema.ts';
import type { Method } from '../manifest/upgrades.ts';
import { inRange } from '../manifest/version.ts';
import { buildPlan } from '../plan/build.ts';
import { checkLines } from '../plan/checks.ts';
import type { Finding } from '../plan/finding.ts';
import { hostScope, withNames } from '../plan/host-scope.ts';
import type { PlanOptions } from '../plan/options.ts';
import type { Plan } from '../plan/plan.ts';
import { crossings, refusals, versionNamed } from '../plan/refusals.ts';
import { scopeOf } from '../plan/values.ts';
import type { Transport } from '../transport/transport.ts';
import { usage } from './backup-flags.ts';
import { planByOwnTool } from './by-own-tool.ts';
import { checkSite } from './check-site.ts';
import { chooseMethod, methodsFor } from './choose-method.ts';
import { type Config, readConfig } from './config.ts';
import { hopsTo, ofHop, withLaterHops } from './hops.ts';
import { type PlanFlags, planOptions } from './plan-flags.ts';
import { targetNamed, trustedList } from './target-flags.ts';

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
async function planBy({ name, manifest }: Method, { request, to, config, facts, options, now, later = false }: Known): Promise<MadePlan> {
	if (to === 'snapshot' && manifest.mirror?.snapshot === undefined) throw usage(`${manifest.method} goes to releases only`, ['--to X.Y']);
	if (!bringsSets(manifest)) return planByOwnTool(name, manifest, { request, to, facts, options, now });
	const mirrors = mirrorsFor(request.mirror, config, facts, manifest);
	if (request['fetch-on'] === 'host') refuseLogins(mirrors);
	const layout = layoutFor(manifest, facts);
	const resolved = await targetOrError({
		name: to,
		arch: facts.arch,
		mirrors,
		keys: { ...facts.keys, ...trustedList(request['trusted-list'], layout, to, facts.arch) },
		copyFile: request['trusted-list'],
		layout,
		later,
	});
	if (resolved instanceof BsdupError) {
		const { code, message, next } = resolved;
		const host = hostScope(manifest, facts, options);
		const version = versionNamed(to);
		return {
			plan: resolved,
			findings: [{ id: code, severity: 'refuse', says: message, fix: next.join('; or ') }, ...refusals(manifest, facts, to, options, now)],
			checks: checkLines(manifest, facts, {
				...host,
				values: withNames(manifest, { ...host.values, ...(version === null ? {} : { version }) }),
			}),
		};
	}
	const { failed } = resolved;
	// The release before brings the key, so that the host will hold it.
	const { keyBundle, ...rest } = resolved.target;
	const target = later || keyBundle === undefined ? rest : resolved.target;
	return {
		plan: buildPlan(manifest, facts, target, options, name),
		findings: [...failed.map(passedOver), ...refusals(manifest, facts, target, options, now)],
		checks: checkLines(manifest, facts, scopeOf(manifest, facts, target, options)),
	};
}

/** An error about the mirror is an answer here; one of usage is thrown, for nothing else can be told before it is mended. */
async function targetOrError(request: AnyRequest): Promise<Resolved | BsdupError> {
	try {
		return await resolveFromAny(request);
	} catch (error) {
		if (error instanceof BsdupError && error.exit !== EXIT.usage) return error;
		throw error;
	}
}

/** The mirrors in the order of preference: those asked for, else a person's own, else the host's, else the manifest's. */
export function mirrorsFor(
	asked: readonly string[] | undefined,
	config: Config,
	facts: Pick<Facts, 'mirrors'>,
	manifest: SetsManifest,
): string[] {
	const choices = [asked ?? [], config.mirrors, facts.mirrors, [manifest.mirror.default]];
	return [...new Set((choices.find((some) => some.length > 0) ?? []).map(mirrorTop))];
}

/** The plan holds no password, so a host by itself has none to show. */
function refuseLogins(mirrors: readonly string[]): void {
	const closed = mirrors.find(hasLogin);
	if (closed === undefined) return;
	throw new BsdupError({
		code: 'E_USAGE',
		message: `${bare(closed)} wants a password, which is never sent to a host`,
		next: ['--fetch-on controller', 'choose another --mirror'],
		exit: EXIT.usage,
	});
}

/** A mirror that failed is no matter while another has it; a person should know all the same. */
function passedOver({ mirror, error }: Resolved['failed'][number]): Finding {
	return {
		id: 'mirror',
		severity: 'warn',
		says: `${bare(mirror)} is passed over: ${error.message}`,
		fix: 'the plan goes on with the others',
	};
}

/** What the manifest tells of mirrors, for a host that runs `release`. */
export function layoutFor(manifest: SetsManifest, facts: Pick<Facts, 'release' | 'packageArch'>): Layout {
	const { multi, single, ramdisk } = manifest.kernels;
	const { keyBundle, snapshot, suffixFrom, build } = manifest.mirror;
	const here = (text: string): string => text.replace('{{packageArch}}', facts.packageArch);
	return {
		release: here(manifest.mirror.release),
		...(snapshot === undefined ? {} : { snapshot: here(snapshot) }),
		lists: manifest.mirror.lists
			.filter((list) => inRange(facts.release, list.running))
			.map(({ file, signed, copy }) => ({ file, signed, ...(copy === undefined ? {} : { copy: here(copy) }) })),
		keyName: manifest.mirror.keyName,
		...(manifest.mirror.archFrom === undefined ? {} : { archFrom: manifest.mirror.archFrom }),
		...(keyBundle !== undefined && inRange(facts.release, keyBundle.running) ? { keyBundle } : {}),
		...(suffixFrom === undefined ? {} : { suffixFrom }),
		...(build === undefined ? {} : { build }),
		sets: { file: manifest.sets.file, names: [...manifest.sets.order, ...manifest.sets.references.names] },
		kernels: [single, multi, ramdisk].filter((name) => name !== undefined),
	};
}

/** Reads facts gathered earlier. Throws E_FACTS_FILE. */
export function readFacts(file: string): Facts {
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
