import { readFileSync } from 'node:fs';
import type { Layout } from '../fetch/resolve.ts';
import { usage } from './backup-flags.ts';

/** The target as the engine names it, `snapshot` or `X.Y`: a release is also known by its full name. Undefined for anything else. */
export function targetNamed(to: string | undefined): string | undefined {
	return /^(snapshot|\d+\.\d+)(?:-RELEASE)?$/.exec(to ?? '')?.[1];
}

/** The list in `file`, under the name by which the layout looks for a trusted copy. Throws E_USAGE where there is none to look for. */
export function trustedList(file: string | undefined, layout: Layout, name: string, arch: string): Record<string, string> {
	if (file === undefined) return {};
	const copy = layout.lists[0]?.copy;
	if (copy === undefined) throw usage('the list of this system is signed, no copy is asked for', ['leave out --trusted-list']);
	try {
		return { [copy.replace('{{version}}', name).replace('{{arch}}', arch)]: readFileSync(file, 'utf8') };
	} catch (error) {
		throw usage(`cannot read ${file}: ${(error as Error).message}`, ['--trusted-list FILE']);
	}
}
