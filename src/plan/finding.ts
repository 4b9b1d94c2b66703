/** Something that speaks against the upgrade, and what to do about it. */
export interface Finding {
	/** Stable: a check's id, or the code of an error. */
	id: string;
	/** `refuse`: the upgrade is not begun. `warn`: a person should know. */
	severity: 'refuse' | 'warn';
	says: string;
	fix: string;
}

/** The id of the finding that there is nothing to do. */
export const SAME_BUILD = 'same-build';

/** The findings that stop an upgrade. */
export function refusing(findings: readonly Finding[]): Finding[] {
	return findings.filter(({ severity }) => severity === 'refuse');
}

/** The one that says there is nothing to do, whatever else speaks against it; undefined where it shall be laid anew. */
export function nothingToDo(findings: readonly Finding[]): Finding | undefined {
	return refusing(findings).find(({ id }) => id === SAME_BUILD);
}
