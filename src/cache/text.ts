import type { Contents } from './entries.ts';

/** The cache for people: an entry a line, the last used first, then what it takes in all. `now`: seconds; `bytes`: how a size is written. */
export function cacheLines({ entries, partial }: Contents, dir: string, now: number, bytes: (size: number) => string): string[] {
	const sum = (some: readonly { size: number }[]): number => some.reduce((all, { size }) => all + size, 0);
	const lines = entries.map(({ sha256, size, used, name, from }) => {
		const place = from === null ? '' : `  ${from.replace(/\/[^/]*$/, '')}`;
		return `${bytes(size).padStart(10)}  ${ageOf(now - used).padStart(4)}  ${sha256.slice(0, 12)}  ${name ?? '?'}${place}`;
	});
	const rest = partial.length === 0 ? '' : `; ${partial.length} partial, ${bytes(sum(partial))}`;
	return [...lines, `${entries.length} files, ${bytes(sum(entries))}${rest} in ${dir}`];
}

/** `5m`, `3h`, `12d`: how long ago, rounded down. */
export function ageOf(seconds: number): string {
	if (seconds < 3600) return `${Math.max(0, Math.floor(seconds / 60))}m`;
	return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
