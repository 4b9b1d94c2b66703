import { partsOf } from '../fetch/member-path.ts';
import { shown } from './shown.ts';
import type { Member } from './tar-member.ts';

/** So many are named; more of them say nothing new. */
const NAMED = 5;

/**
 * Looks for members that would leave the directory they are restored to: `..` in a name or in the target of a hard link, and
 * names that lead through a symbolic link of the same archive. A leading `/` is no danger: every tar takes it off.
 */
export class MemberGuard {
	readonly unsafe: string[] = [];
	readonly #links = new Set<string>();

	/** Takes the next member of the archive, in its order. */
	see(member: Member): void {
		if (this.unsafe.length >= NAMED) return;
		const parts = partsOf(member.name);
		const target = member.type === '1' ? partsOf(member.link) : [];
		if (parts.includes('..')) this.unsafe.push(`${shown(member.name)}: leads out by ..`);
		else if (target.includes('..')) this.unsafe.push(`${shown(member.name)}: a hard link that leads out by .., to ${shown(member.link)}`);
		else if (this.#through(parts) || this.#through(target))
			this.unsafe.push(`${shown(member.name)}: leads through a symbolic link of the archive`);
		const name = parts.join('/');
		if (member.type === '2') this.#links.add(name);
		else if (member.type !== '1') this.#links.delete(name);
	}

	#through(parts: readonly string[]): boolean {
		if (this.#links.size === 0) return false;
		let path = '';
		for (const part of parts.slice(0, -1)) {
			path = path === '' ? part : `${path}/${part}`;
			if (this.#links.has(path)) return true;
		}
		return false;
	}
}

/** What the name of a member begins with besides its path: `./`, `/` or nothing. */
export function prefixOf(name: string): string {
	return /^(?:\.\/|\/)?/.exec(name)?.[0] ?? '';
}
