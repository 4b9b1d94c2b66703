import { randomBytes } from 'node:crypto';
import type { RunOptions, RunResult } from './transport.ts';

/**
 * Keeps what a login shell or its start-up files print apart from what a script prints. `opening` goes before the script: it
 * prints a mark; `options` and `result` leave out all that stood before the mark, of text and of bytes. A script that never began
 * has no output.
 */
export function afterBanner(options: RunOptions): { opening: string; options: RunOptions; result: (result: RunResult) => RunResult } {
	const mark = `bsdup-${randomBytes(9).toString('hex')}\n`;
	const { onStdout, onBytes } = options;
	const text = pastMark(mark);
	const bytes = pastMark(mark);
	let began = false;
	const heard: Pick<RunOptions, 'onStdout' | 'onBytes'> = {};
	if (onStdout !== undefined) {
		heard.onStdout = (piece) => {
			const rest = text(piece);
			if (rest !== undefined && rest !== '') onStdout(rest);
		};
	}
	if (onBytes !== undefined) {
		heard.onBytes = async (piece) => {
			if (began) return onBytes(piece);
			// A character a byte, so that none is changed.
			const rest = bytes(piece.toString('latin1'));
			began = rest !== undefined;
			if (rest !== undefined && rest !== '') await onBytes(Buffer.from(rest, 'latin1'));
		};
	}
	return {
		opening: `echo ${mark}`,
		options: { ...options, ...heard },
		result: (result) => ({ ...result, stdout: pastMark(mark)(result.stdout) ?? '' }),
	};
}

/** Takes a stream piece by piece and gives what of each stands after the first `mark`; undefined until that has come. */
function pastMark(mark: string): (piece: string) => string | undefined {
	let before: string | undefined = '';
	return (piece) => {
		if (before === undefined) return piece;
		before += piece;
		const at = before.indexOf(mark);
		if (at < 0) return undefined;
		const rest = before.slice(at + mark.length);
		before = undefined;
		return rest;
	};
}
