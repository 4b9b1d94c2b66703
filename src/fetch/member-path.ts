/** One member of an archive, as far as its paths go. */
export interface Member {
	name: string;
	/** Types of tar(5); what is not named here is a file. */
	type: 'file' | 'directory' | 'symlink' | 'link' | 'device' | 'other';
	/** Where a link leads, else ''. */
	target: string;
}

/** Looks at the members of one archive in turn. */
export type MemberLook = (member: Member) => string | null;

/**
 * What speaks against unpacking members at the top of a tree, in one clause, or null. `tops`: what may stand there, null = anything.
 *
 * A name or a hard link must stay below the top: not absolute, no `..`. A symbolic link may be absolute, for it is followed only
 * where the tree is the root (sets have such: /etc/localtime leads to /usr/share/zoneinfo); a relative one must not climb above the
 * top; and no member may come to lie below a symbolic link of the same archive, which would lead its bytes wherever that points.
 * Device nodes are not in sets, MAKEDEV makes them. The step `verify` of the manifests has the same rules in awk.
 */
export function memberLook(tops: readonly string[] | null): MemberLook {
	const links = new Set<string>();
	return ({ name, type, target }) => {
		const shown = JSON.stringify(name);
		const parts = partsOf(name);
		if (/\p{Cc}/u.test(name + target)) return `${shown} has control characters in its name`;
		if (name.startsWith('/')) return `${shown} has an absolute name`;
		if (parts.includes('..')) return `${shown} leaves the tree`;
		const [top] = parts;
		if (top !== undefined && tops !== null && !tops.includes(top)) return `${shown} is not where a set has files`;
		const below = parts.map((_part, index) => parts.slice(0, index).join('/')).find((path) => links.has(path));
		if (below !== undefined) return `${shown} lies below the symbolic link ${below}`;
		if (type === 'device') return `${shown} is a device node`;
		if (type === 'link' && (target.startsWith('/') || partsOf(target).includes('..')))
			return `${shown} is a hard link out of the tree, to ${JSON.stringify(target)}`;
		if (type === 'symlink') {
			if (!target.startsWith('/') && climbs(parts.length - 1, partsOf(target)))
				return `${shown} is a symbolic link out of the tree, to ${JSON.stringify(target)}`;
			links.add(parts.join('/'));
		}
		return null;
	};
}

/** The names a path goes through, empty ones and `.` left out. */
export function partsOf(path: string): string[] {
	return path.split('/').filter((part) => part !== '' && part !== '.');
}

function climbs(depth: number, parts: readonly string[]): boolean {
	let at = depth;
	return parts.some((part) => {
		at += part === '..' ? -1 : 1;
		return at < 0;
	});
}
