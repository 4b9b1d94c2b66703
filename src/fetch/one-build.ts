import { createHash } from 'node:crypto';
import { BsdupError } from '../errors.ts';
import { bare, readAll } from './source.ts';

/** A mirror's list that cannot be one build's; `code` E_LIST_…; `also`: what else can help. */
export function unfit(code: string, message: string, ...also: string[]): BsdupError {
	return new BsdupError({
		code,
		message,
		next: ['the mirror may be in the middle of an update: try later', 'choose another --mirror', ...also],
	});
}

/**
 * Holds every set of the list against the suffix that base told. `file`: a set's file with `{{set}}` and `{{suffix}}`. A set of
 * another version would be left out of the plan without a word. Throws E_LIST_MIXED naming them.
 */
export function proveOneSuffix(
	listed: Iterable<string>,
	suffix: string,
	{ file, names }: { file: string; names: readonly string[] },
	at: string,
): void {
	const [before = '', after = ''] = file.replace('{{set}}', '\0').split('{{suffix}}');
	const patterns = names.map((set) => new RegExp(`^${escaped(before.replace('\0', set))}([0-9]+)${escaped(after)}$`));
	const other = [...listed].filter((name) => patterns.some((pattern) => (pattern.exec(name)?.[1] ?? suffix) !== suffix));
	if (other.length > 0)
		throw unfit('E_LIST_MIXED', `the list at ${at} has sets of two versions: base of ${suffix}, but ${other.join(' ')}`);
}

/**
 * The build's date, the third field of its file (F:A.5), in seconds; null where the list has no such file or it is not as described.
 * Throws E_HASH_MISMATCH where the mirror holds the file of another build.
 */
export async function buildOf(url: string, hash: string | undefined): Promise<number | null> {
	if (hash === undefined) return null;
	const bytes = await readAll(url);
	const epoch = Number(bytes.toString('utf8').split(' ')[2]);
	const build = Number.isInteger(epoch) && epoch > 0 ? epoch : null;
	if (createHash('sha256').update(bytes).digest('hex') === hash) return build;
	const date = build === null ? '' : ` (this one is of ${new Date(build * 1000).toISOString().slice(0, 10)})`;
	throw unfit('E_HASH_MISMATCH', `${bare(url)} is not the file of the list: the mirror mixes files of two builds${date}`);
}

function escaped(text: string): string {
	return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
