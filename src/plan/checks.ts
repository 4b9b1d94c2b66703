import type { Facts } from '../facts/facts.ts';
import { PLACEHOLDER } from '../manifest/placeholders.ts';
import type { Manifest } from '../manifest/schema.ts';
import { inRange } from '../manifest/version.ts';
import { quote } from '../transport/quote.ts';
import { expandLines } from './expand.ts';
import type { HostScope } from './host-scope.ts';

/** Prints `finding: ID: SAYS: DETAIL` or `warning: …`, then what to do, indented. The detail is what the test printed, on one line. */
const TELL = [
	`tell() { [ -z "$detail" ] || detail=$(set -f; printf ' %s' $detail)`,
	`printf '%s\\n' "$1: $2: $3\${detail:+:$detail}" "  $4"; }`,
];

/**
 * The sh lines of the manifest's checks for this host; they only look. All are tried before the last line fails, so that a person
 * sees everything at once; a warning does not make it fail. A check that names what is not known (the version of a
 * target that could not be told) is left out.
 */
export function checkLines(manifest: Pick<Manifest, 'checks'>, facts: Facts, scope: Pick<HostScope, 'values' | 'words'>): string[] {
	const known = (text: string): boolean => [...text.matchAll(PLACEHOLDER)].every(([, name = '']) => scope.values[name] !== undefined);
	const tests = manifest.checks
		.filter((check) => inRange(facts.release, check.running) && holdAll(check.is, scope.words) && known(check.test))
		.flatMap(({ id, severity, test, says, fix }) => {
			const tell = `tell ${severity === 'warn' ? 'warning' : 'finding'} ${id} ${quote(says)} ${quote(fix)}`;
			const bad = severity === 'warn' ? `{ ${tell}; }` : `{ ${tell}; bad=yes; }`;
			// A function, for the patterns of a case within $( ) are misread by the shells of old.
			return ['look() {', ...expandLines(test, scope.values), '}', `detail=$(look) || ${bad}`];
		});
	return [...TELL, 'bad=no', ...tests, '[ $bad = no ]'];
}

/** Whether every word of an `is:` holds, or does not where it begins with `!`. */
export function holdAll(is: readonly string[] | undefined, words: ReadonlySet<string>): boolean {
	return (is ?? []).every((word) => (word.startsWith('!') ? !words.has(word.slice(1)) : words.has(word)));
}
