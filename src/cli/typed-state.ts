import { resolve } from 'node:path';
import { quote } from '../transport/quote.ts';

/** The commands that look for a run, with what may be given to them; not where a sentence speaks of one. */
const FINDS_A_RUN = /\bbsdup (?:resume|rollback|status)(?: --[a-z-]+)*(?: run-[a-z0-9-]+| HOST)?(?=,|\s*\(|$)/gm;

/** A text whose commands find the run where the --state that was typed has it: they would look in the usual place. */
export function withTypedState(text: string, argv: readonly string[] = process.argv.slice(2)): string {
	const at = argv.findIndex((word) => /^--state(?:=|$)/.test(word));
	const dir = argv[at]?.slice('--state='.length) || argv[at + 1];
	return at === -1 || !dir ? text : text.replace(FINDS_A_RUN, (command) => `${command} --state ${quote(resolve(dir))}`);
}
