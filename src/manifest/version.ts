/**
 * Versions `X.Y` compared as integers, never as decimals (7.10 comes after 7.9; F:A.6), and the ranges of manifests.
 */

/** -1, 0 or 1. Parts are integers; a missing part is 0. */
export function compareVersions(a: string, b: string): number {
	const left = a.split('.').map(Number);
	const right = b.split('.').map(Number);
	for (let i = 0; i < Math.max(left.length, right.length); i++) {
		const difference = (left[i] ?? 0) - (right[i] ?? 0);
		if (difference !== 0) return Math.sign(difference);
	}
	return 0;
}

/** One or more comparisons that must all hold: `>=5.5 <5.7`. */
export const RANGE = /^(?:(?:>=|<=|<|>|=)\d+\.\d+)(?: (?:>=|<=|<|>|=)\d+\.\d+)*$/;

/** True if `version` lies in `range`; an absent range admits everything. */
export function inRange(version: string, range: string | undefined): boolean {
	if (range === undefined) return true;
	return range.split(' ').every((part) => {
		const [, operator, bound] = /^(>=|<=|<|>|=)(.+)$/.exec(part) ?? [];
		const order = compareVersions(version, bound ?? '');
		switch (operator) {
			case '>=':
				return order >= 0;
			case '<=':
				return order <= 0;
			case '<':
				return order < 0;
			case '>':
				return order > 0;
			default:
				return order === 0;
		}
	});
}

/** The release right after `version`: 7.8 gives 7.9, and 7.9 gives 8.0 (F:A.4, F:A.6). */
export function nextRelease(version: string): string {
	const [major = 0, minor = 0] = version.split('.').map(Number);
	return minor < 9 ? `${major}.${minor + 1}` : `${major + 1}.0`;
}

/** True if `to` can be reached from `from` in one go: by the next release, or within this and the next major version. */
export function isWithin(reach: 'release' | 'major', from: string, to: string): boolean {
	if (reach === 'release') return isNextOrSame(from, to);
	const [major, next] = [from, to].map((version) => Number(version.split('.')[0]));
	return compareVersions(from, to) <= 0 && (next ?? 0) <= (major ?? 0) + 1;
}

/** True if `to` is the same release as `from` or the one right after it. */
export function isNextOrSame(from: string, to: string): boolean {
	return compareVersions(to, from) === 0 || compareVersions(to, nextRelease(from)) === 0;
}

/** The releases on the way from `from` to `to`, which is the last; only `to` where it does not come after. */
export function releasesBetween(from: string, to: string): string[] {
	const way: string[] = [];
	for (let at = nextRelease(from); compareVersions(at, to) < 0; at = nextRelease(at)) way.push(at);
	return [...way, to];
}
