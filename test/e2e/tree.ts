import type { World } from '../lab/world.ts';

/** What a rollback leaves: the run itself, the backup, logs; the rest is not the host's own disk. */
const LEFT = ['var/db/bsdup', 'backup', 'var/log', 'tmp', 'proc', 'dev', 'lab', 'lib', 'lib64']
	.map((path) => `-path ./${path}`)
	.join(' -o ');

/** Mode, owner, content and name of everything on the host, but for what a rollback leaves. */
export async function tree(on: World): Promise<string[]> {
	const find = `/lab/real/bin/find . \\( ${LEFT} \\) -prune -o`;
	const look = `${find} -printf '%p %M %U:%G %l\\n'; ${find} -type f -exec /lab/real/bin/sha256sum {} +`;
	return (await on.host.inside(`cd / && { ${look}; }`)).output.split('\n').sort();
}
