import { BsdupError, EXIT } from '../errors.ts';

const UNITS: Record<string, number> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };
const SIZE = /^(\d+(?:\.\d+)?)([KMGT]?)$/;
const SECONDS: Record<string, number> = { m: 60, h: 3600, d: 86_400, w: 7 * 86_400 };

/** `500M`, `1.5G` or plain bytes, as bytes; null where it is no size. */
export function bytesOf(text: string): number | null {
	const [, number = '', unit = ''] = SIZE.exec(text) ?? [];
	return number === '' ? null : Math.floor(Number(number) * (UNITS[unit] ?? 1));
}

/** The value of a flag as bytes. Throws E_USAGE naming the flag. */
export function sizeFlag(flag: string, text: string): number {
	const bytes = bytesOf(text);
	if (bytes !== null) return bytes;
	throw unfit(flag, text, 'size', '10G');
}

/** The value of `--bandwidth` as bytes a second. Throws E_USAGE, for nothing a second too: a run would never end. */
export function bandwidthFlag(text: string): number {
	const bytes = bytesOf(text);
	if (bytes !== null && bytes > 0) return bytes;
	throw unfit('bandwidth', text, 'bandwidth', '5M');
}

/** The value of a flag as seconds: `12h`, `30d`. Throws E_USAGE naming the flag. */
export function ageFlag(flag: string, text: string): number {
	const [, number = '', unit = ''] = /^(\d+)([mhdw])$/.exec(text) ?? [];
	if (number !== '') return Number(number) * (SECONDS[unit] ?? 1);
	throw unfit(flag, text, 'age', '30d');
}

function unfit(flag: string, text: string, what: string, example: string): BsdupError {
	return new BsdupError({
		code: 'E_USAGE',
		message: `${JSON.stringify(text)} is no ${what}`,
		next: [`--${flag} ${example}`],
		exit: EXIT.usage,
	});
}
