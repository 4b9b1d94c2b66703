import { BsdupError, EXIT } from '../errors.ts';
import { bare } from '../fetch/mirror-errors.ts';
import { hasLogin } from '../fetch/mirror-url.ts';
import { type AnyRequest, type Resolved, resolveFromAny } from '../fetch/resolve-any.ts';
import type { SetsManifest } from '../manifest/schema.ts';
import { buildPlan } from '../plan/build.ts';
import { checkLines } from '../plan/checks.ts';
import type { Finding } from '../plan/finding.ts';
import { hostScope, withNames } from '../plan/host-scope.ts';
import { refusals, versionNamed } from '../plan/refusals.ts';
import { scopeOf } from '../plan/values.ts';
import type { Known, MadePlan } from './make-plan.ts';
import { layoutFor, mirrorsFor } from './mirror-layout.ts';
import { trustedList } from './target-flags.ts';

/** The plan of a method that brings sets, of which a mirror tells; one that tells nothing is a finding beside all that is known without it. */
export async function planBySets(
	name: string,
	manifest: SetsManifest,
	{ request, to, config, facts, options, now, later = false }: Known,
): Promise<MadePlan> {
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
