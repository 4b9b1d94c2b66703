import type { Header } from './tar-header.ts';

/** A member of the archive, whole: long names and pax records are put in. Names hold one character a byte, as latin1. */
export type Member = Pick<Header, 'type' | 'name' | 'link' | 'mode' | 'uid' | 'gid' | 'user' | 'group' | 'mtime'> & {
	/** Bytes of the file. */
	size: number;
	/** The volume in which it begins. */
	volume: string;
};

/** What blocks before a header told of its member. */
export interface Described {
	name?: string;
	link?: string;
	pax?: Map<string, string>;
}

/** The member of a header and of what described it before; `size`: bytes of it in the archive, which are fewer where holes are left out. */
export function memberOf(header: Header, described: Described, volume: string): { member: Member; size: number } {
	const { pax = new Map<string, string>(), name = header.name, link = header.link } = described;
	const told = (key: string, otherwise: number): number => (pax.has(key) ? Number(pax.get(key)) : otherwise);
	const size = told('size', header.size);
	const member: Member = {
		type: header.type,
		name: pax.get('GNU.sparse.name') ?? pax.get('path') ?? name,
		link: pax.get('linkpath') ?? link,
		size: told('GNU.sparse.realsize', header.type === 'S' ? header.realSize : size),
		mode: header.mode,
		uid: told('uid', header.uid),
		gid: told('gid', header.gid),
		user: pax.get('uname') ?? header.user,
		group: pax.get('gname') ?? header.group,
		mtime: told('mtime', header.mtime),
		volume,
	};
	return { member, size };
}
