/** `{{name}}` in a manifest's sh text. */
export const PLACEHOLDER = /\{\{([a-zA-Z]+)\}\}/g;

/** What anyone may have meant as a placeholder, so that a misspelt one is told and never reaches sh as it stands. */
const MEANT = /\{\{([^{}]*)\}\}/g;

/** Every name a manifest may use anywhere in steps, checks and recovery; manifests/README.md says what each stands for. */
export const PLACEHOLDERS: ReadonlySet<string> = new Set([
	...['dir', 'sets', 'host', 'arch', 'disk', 'running', 'version', 'suffix', 'mirror', 'kernel', 'key', 'list', 'listHash'],
	...['fileNames', 'baseFile', 'mountsBelow', 'devicesBelow', 'disksBelow', 'watchdog', 'day', 'unattended', 'rewritten'],
	...['gtar', 'backupDir', 'backupName', 'backupBase', 'backupPaths', 'backupExcludes', 'backupDevice', 'backupAbout', 'backupKiB'],
	...['volumeKiB', 'volumeBytes', 'pkgSnap', 'pkgPath', 'fetchBytes', 'tops', 'oldKey'],
]);

/** Those of them that only brought sets give a value. */
const OF_SETS: ReadonlySet<string> = new Set([
	...['sets', 'suffix', 'mirror', 'kernel', 'key', 'list', 'listHash', 'fileNames', 'baseFile'],
	...['pkgSnap', 'pkgPath', 'fetchBytes', 'tops', 'oldKey'],
]);
/** Lists of `each` that are of brought sets. */
const LISTS_OF_SETS: ReadonlySet<unknown> = new Set(['files', 'otherSets', 'allSets', 'keyBundle']);

/** What an `each` adds for every item of its list. */
export const EACH_PLACEHOLDERS = {
	files: ['file', 'line', 'url', 'urls'],
	otherSets: ['file', 'line', 'url', 'urls'],
	allSets: ['file', 'line', 'url', 'urls'],
	stopping: ['daemon'],
	site: ['file', 'line'],
	keyBundle: ['file', 'line', 'url'],
	health: ['command'],
} as const satisfies Record<string, readonly string[]>;

interface Fault {
	path: PropertyKey[];
	says: string;
}

/** Placeholders that have no value where they stand, each with its path in the manifest. `sets`: whether it brings sets. */
export function placeholderFaults(
	manifest: { steps: unknown; checks: unknown; recovery: unknown; names?: Record<string, string> },
	sets: boolean,
): Fault[] {
	const { steps, checks, recovery, names = {} } = manifest;
	const own = faultsIn({ names }, [], { sets, added: new Set() });
	return [...own, ...faultsIn({ steps, checks, recovery }, [], { sets, added: new Set(Object.keys(names)) })];
}

function faultsIn(value: unknown, path: PropertyKey[], within: { sets: boolean; added: ReadonlySet<string> }): Fault[] {
	const { sets, added } = within;
	if (typeof value === 'string') {
		return [...value.matchAll(MEANT)]
			.map((match) => match[1] ?? '')
			.filter((name) => !added.has(name) && (!PLACEHOLDERS.has(name) || (!sets && OF_SETS.has(name))))
			.map((name) => ({ path, says: PLACEHOLDERS.has(name) ? `{{${name}}}, but no sets are brought` : `unknown placeholder {{${name}}}` }));
	}
	if (typeof value !== 'object' || value === null) return [];
	const over = 'over' in value ? Object.entries(EACH_PLACEHOLDERS).find(([list]) => list === value.over)?.[1] : undefined;
	const own = over === undefined ? within : { sets, added: new Set([...added, ...over]) };
	const faults = Object.entries(value).flatMap(([key, inner]) => faultsIn(inner, [...path, Array.isArray(value) ? Number(key) : key], own));
	if (sets || !('over' in value) || !LISTS_OF_SETS.has(value.over)) return faults;
	return [...faults, { path: [...path, 'over'], says: `over ${String(value.over)}, but no sets are brought` }];
}
