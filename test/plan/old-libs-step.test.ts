import { afterEach, describe, expect, test } from 'vitest';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { linesOf, planOfSets, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

const LIBS = ['/usr/lib/libold.so.1', '/usr/lib/libopie.so.8', '/usr/lib/pam_opie.so.6', '/usr/lib/pam_opieaccess.so.6'];

describe.skipIf(!canEnterTrees)('the libraries that a release has no more (needs root or user namespaces)', () => {
	/** A host with a line in a file of pam.d; what is told of the libraries, and the list of those that may go. */
	async function told(pam: string): Promise<{ libs: string; pam: string; list: string }> {
		const on = makeBareTree('14.3-RELEASE');
		tree = on;
		const plan = await planOfSets();
		const there = Object.fromEntries(
			LIBS.map((path) => [path, path.includes('pam_opie.') ? 'needs /usr/lib/libopie.so.8\nneeds /lib/libc.so.7\n' : '']),
		);
		const obsolete = LIBS.map((path) => `OLD_LIBS+=${path.slice(1)}\n`).join('');
		on.lay({ dirs: [plan.dir], files: { ...there, [`${plan.sets}/tree/usr/src/ObsoleteFiles.inc`]: obsolete, 'etc/pam.d/sshd': pam } });
		expect(runLines(on, linesOf(plan, 'old-libs'))).toMatchObject({ status: 0, stderr: '' });
		const cat = (file: string): string => on.run(`cat ${plan.dir}/${file} 2>/dev/null`).stdout;
		return { libs: cat('report.libs'), pam: cat('report.pam'), list: cat('old-libs') };
	}

	test('may all go where no file of pam.d names one', async () => {
		const { libs, pam, list } = await told('auth required pam_unix.so\n# auth sufficient pam_opie.so\n');
		expect([pam, list]).toEqual(['', `${LIBS.join('\n')}\n`]);
		expect(libs).toMatch(/remove them when nothing uses them: 4 files/);
	});

	test('stay where a file of pam.d names a module, with what that needs, and are told apart', async () => {
		const { libs, pam, list } = await told('auth sufficient pam_opie.so no_warn\nauth required pam_unix.so\n');
		expect(list).toBe('/usr/lib/libold.so.1\n/usr/lib/pam_opieaccess.so.6\n');
		expect(pam).toMatch(
			/^files of pam\.d name modules that the release has no more[^\n]*\n\/usr\/lib\/libopie\.so\.8\n\/usr\/lib\/pam_opie\.so\.6\n$/,
		);
		expect(libs).toMatch(/ 2 files/);
	});
});
