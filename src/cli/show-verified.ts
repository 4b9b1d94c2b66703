import type { VerifiedFile, VerifyReport } from '../fetch/verify-dir.ts';

/** The report of `verify` for people, a line for the list and one for each file. */
export function verifiedLines({ list, files }: VerifyReport): string[] {
	const proof = { signature: `signed with ${list.key}`, copy: 'the copy that was said to be trusted', none: 'not signed' }[list.proof];
	return [`${list.file}: ${proof}`, ...files.map((file) => `${file.name}: ${file.state}${rest(file)}`)];
}

function rest({ detail, checked, skipped, members }: VerifiedFile): string {
	const told = [
		...(detail === '' ? [] : [detail]),
		...(checked.includes('members') ? [`whole, ${members} member${members === 1 ? '' : 's'}`] : []),
		...(checked.includes('tops') ? ['each where sets have files'] : []),
		...(skipped === '' ? [] : [`NOT looked inside: ${skipped}`]),
	];
	return told.length === 0 ? '' : `: ${told.join(', ')}`;
}
