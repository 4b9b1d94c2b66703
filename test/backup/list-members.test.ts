import { expect, test } from 'vitest';
import { memberLine } from '../../src/backup/list-members.ts';

test.each([
	[981_173_106, '2001-02-03 04:05'],
	[-1, '1969-12-31 23:59'],
	[400_000_000_000, '+014645-06-30 15:06'],
	[9_000_000_000_000, '@9000000000000'],
	[Number.NaN, '@NaN'],
])('a member is listed with the time that it has, however far off: %d', (mtime, when) => {
	const owner = { uid: 0, gid: 0, user: 'root', group: 'wheel' };
	const line = memberLine({ type: '0', mode: 0o644, size: 1, mtime, name: 'home/a', link: '', volume: 'x.aa', ...owner });
	expect(line).toBe(`-rw-r--r-- root/wheel            1 ${when} home/a`);
});
