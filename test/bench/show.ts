/** What all benchmarks share: how a figure is taken and shown. */

/** The middle of an odd number of figures. */
export function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** One line: the figure beside its bound, and whether it holds. */
export function show(what: string, figure: number, bound: number, unit: string): void {
	console.log(`${figure <= bound ? 'ok  ' : 'MISS'} ${what}: ${figure.toFixed(2)} ${unit}, at most ${bound} ${unit}`);
}
