import { BsdupError, EXIT } from '../errors.ts';
import { bare } from './mirror-errors.ts';
import { type ResolveRequest, resolveTarget } from './resolve.ts';
import type { Target } from './target.ts';

/** The same question to several mirrors. */
export interface AnyRequest extends Omit<ResolveRequest, 'mirror'> {
	/** Tops of mirrors in the order of preference, at least one. */
	mirrors: readonly string[];
}

/** A target that serves from several mirrors, and the mirrors that did not answer as they should. */
export interface Resolved {
	/** Pinned from the first mirror that has it. Its URLs are bare. */
	target: Target;
	failed: { mirror: string; error: BsdupError }[];
}

/** The same with the bare mirror wherever a text begins with the mirror. */
function withoutLogin(target: Target, mirror: string): Target {
	const strip = (_key: string, value: unknown): unknown =>
		typeof value === 'string' && value.startsWith(mirror) ? bare(mirror) + value.slice(mirror.length) : value;
	return JSON.parse(JSON.stringify(target), strip) as Target;
}

/**
 * Resolves the target from the first mirror that has it. The others serve the same pinned files: those not asked come next in their
 * order, those that failed last. Throws the mirror's own error where there is one mirror, E_NO_MIRROR naming each with its reason
 * where there are several, and at once what is an error of usage.
 */
export async function resolveFromAny({ mirrors, ...request }: AnyRequest): Promise<Resolved> {
	const failed: Resolved['failed'] = [];
	for (const [index, mirror] of mirrors.entries()) {
		try {
			const target = await resolveTarget({ ...request, mirror });
			const inUse = [mirror, ...mirrors.slice(index + 1), ...failed.map((one) => one.mirror)];
			return { target: { ...withoutLogin(target, mirror), mirrors: inUse.map(bare) }, failed };
		} catch (error) {
			if (!(error instanceof BsdupError) || error.exit === EXIT.usage) throw error;
			failed.push({ mirror, error });
		}
	}
	const [only, ...others] = failed;
	if (only === undefined) throw new Error('no mirror was given');
	if (others.length === 0) throw only.error;
	throw new BsdupError({
		code: 'E_NO_MIRROR',
		message: `none of ${failed.length} mirrors has it:\n${failed.map((one) => `- ${bare(one.mirror)}: ${one.error.message}`).join('\n')}`,
		next: [...new Set(failed.flatMap((one) => one.error.next))],
	});
}
