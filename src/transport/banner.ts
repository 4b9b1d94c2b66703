import { randomBytes } from 'node:crypto';
import type { RunOptions, RunResult } from './transport.ts';

/**
 * Keeps what a login shell or its start-up files print apart from what a script prints. `opening` goes before the script: it
 * prints a mark; `options` and `result` leave out all that stood before the mark. A script that never began has no output.
 */
export function afterBanner(options: RunOptions): { opening: string; options: RunOptions; result: (result: RunResult) => RunResult } {
	const mark = `bsdup-${randomBytes(9).toString('hex')}`;
	const after = (text: string): string | undefined => {
		const at = text.indexOf(`${mark}\n`);
		return at < 0 ? undefined : text.slice(at + mark.length + 1);
	};
	const { onStdout } = options;
	let before: string | undefined = '';
	const hear = (text: string): void => {
		if (before === undefined) {
			onStdout?.(text);
			return;
		}
		before += text;
		const rest = after(before);
		if (rest === undefined) return;
		before = undefined;
		if (rest !== '') onStdout?.(rest);
	};
	return {
		opening: `echo ${mark}\n`,
		options: onStdout === undefined ? options : { ...options, onStdout: hear },
		result: (result) => ({ ...result, stdout: after(result.stdout) ?? '' }),
	};
}
