const PLAIN = /^[A-Za-z0-9_./:=@%+,-]+$/;

/** The one sh quoting function: a word that sh reads back as exactly `value` (sh(1), Quoting). */
export function quote(value: string): string {
	return PLAIN.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
