import { BsdupError, EXIT } from '../errors.ts';
import { PLACEHOLDER } from '../manifest/placeholders.ts';
import { quote } from '../transport/quote.ts';
import { isBare } from './sh-context.ts';

/** A value is one word, or several words (each quoted by itself). */
export type Values = Readonly<Record<string, string | readonly string[]>>;

const PLAIN = /^[A-Za-z0-9_./:=@%+,-]*$/;

/**
 * The one function that puts values into sh text: each is quoted, so that it never becomes syntax.
 * Where quotes of its own would mean something else (inside quotes, comments, here-documents) a value must be
 * plain, else E_VALUE; a name without a value is E_PLACEHOLDER. `before`: the sh text that comes before.
 */
export function expand(text: string, values: Values, before = ''): string {
	return text.replace(PLACEHOLDER, (_match, name: string, offset: number) => {
		const value = values[name];
		if (value === undefined) {
			throw new BsdupError({ code: 'E_PLACEHOLDER', message: `{{${name}}} has no value here`, exit: EXIT.usage });
		}
		const words = typeof value === 'string' ? [value] : value;
		if (isBare(before + text.slice(0, offset))) return words.map(quote).join(' ');
		const bad = words.find((word) => !PLAIN.test(word));
		if (bad === undefined) return words.join(' ');
		throw new BsdupError({
			code: 'E_VALUE',
			message: `${JSON.stringify(bad)} has characters that cannot be used for ${name}`,
			next: ['use a name of letters, digits, dots, dashes and slashes'],
			exit: EXIT.usage,
		});
	});
}

/**
 * The lines of sh text, expanded; blank ones are left out. A line feed in a value stays in its line: the text is
 * cut before the values come in, so that cutting never changes a value.
 */
export function expandLines(text: string, values: Values): string[] {
	const lines = text
		.split('\n')
		.map((line) => line.trimEnd())
		.filter((line) => line !== '');
	return lines.map((line, index) =>
		expand(
			line,
			values,
			lines
				.slice(0, index)
				.map((one) => `${one}\n`)
				.join(''),
		),
	);
}

/** For people, not for sh: the same without quotes. */
export function expandText(text: string, values: Values): string {
	return text.replace(PLACEHOLDER, (_match, name: string) => {
		const value = values[name] ?? '';
		return typeof value === 'string' ? value : value.join(' ');
	});
}
