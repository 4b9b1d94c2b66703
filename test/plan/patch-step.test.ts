import { afterEach, describe, expect, test } from 'vitest';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

const PATCH = '/var/syspatch/78-001_example';

const RELINK = '/usr/libexec/reorder_kernel';

/** A 7.8 on `arch` that is just upgraded, its kernel `relinked` or not, `cut` having been done to it; runs the step that patches it. */
function patch(cut: string, relinked = true, arch = 'amd64'): { on: BareTree; ended: { status: number | null; stderr: string } } {
	const on = makeBareTree('7.8');
	tree = on;
	const plan = buildPlan(inPlace, makeFacts({ arch }), makeTarget('7.8', { arch }), makeOptions(), 'in-place');
	// Of this tree alone: it sees what the other hosts of this machine run.
	on.lay({ dirs: [plan.dir], programs: { pgrep: 'exit 1' } });
	runLines(on, linesOf(plan, 'keep'));
	expect(on.run(`${relinked ? RELINK : ':'}; cd ${plan.dir}; ${cut}`).stderr).toBe('');
	return { on, ended: runLines(on, linesOf(plan, 'syspatch')) };
}

describe.skipIf(!canEnterTrees)('the patches of a release (needs root or user namespaces)', () => {
	test.each([
		['are installed', 'true'],
		[
			'are installed anew where a patch was cut off that counts as installed',
			`touch patching; mkdir -p ${PATCH}; tar -C / -czf ${PATCH}/rollback.tgz usr/bin/wc usr/sbin/user usr/share/relink/kernel/GENERIC.MP/vers.o`,
		],
		[
			'are installed where a kernel was linked and the power went before its hash was noted',
			'echo "SHA256 (/bsd) = 0" >/var/db/kernel.SHA256',
		],
		['are installed where base was torn and laid anew, so that no hash is noted', 'rm /var/db/kernel.SHA256'],
		['are installed anew where what would take one back was torn', `touch patching; mkdir -p ${PATCH}; : >${PATCH}/rollback.tgz`],
	])('%s', (_title, cut) => {
		const { on, ended } = patch(cut);
		expect(ended.status, ended.stderr).toBe(0);
		expect(on.run('tail -n 1 /usr/bin/wc; syspatch -c; ls /var/db/bsdup/*').stdout).toMatch(/^# patched by 001_example\n(?!.*patching)/s);
	});

	test('are not undone by the first relink, where the boot has made none', () => {
		const { on, ended } = patch('ls /usr/share/relink/kernel.tgz', false);
		expect(ended.status, ended.stderr).toBe(0);
		expect(on.run('sed -n 2p /bsd').stdout).toMatch(/^version OpenBSD 7\.8 \(GENERIC\.MP\) #1:/);
	});

	test('are not begun where what the kernel is relinked of cannot be unpacked', () => {
		const { on, ended } = patch(`printf '#!/bin/sh\\nexit 1\\n' >${RELINK}`, false);
		expect(ended).toMatchObject({
			status: 1,
			stdout: expect.stringMatching(/^\/usr\/share\/relink\/kernel\.tgz, .* could not be unpacked/),
		});
		expect(on.run('syspatch -l').stdout).toBe('');
	});

	test('are not begun on a kernel that is another than the one that runs, and that nobody has noted', () => {
		expect(patch('sed -i "2s/.*/version mine/" /bsd').ended.status).toBe(1);
	});

	test('wait for the end of rc, which relinks the kernel last of all', () => {
		const pgrep =
			'case "$*" in *"/etc/rc autoboot"*) [ -f /booting ] && /lab/real/bin/mv /booting /relinking ;; *) [ -f /relinking ] && /lab/real/bin/mv /relinking /up ;; esac\n';
		const { on, ended } = patch(`touch /booting; printf '%s' '${pgrep}' >/lab/stand-ins/pgrep; echo true >/lab/stand-ins/sleep`);
		expect(ended.status, ended.stderr).toBe(0);
		expect(on.run('ls /booting /relinking /up 2>/dev/null; tail -n 1 /usr/bin/wc').stdout).toBe('/up\n# patched by 001_example\n');
	});

	test('that were there before the one that was cut off keep their records where the kernel is not relinked', () => {
		const before = PATCH.replace('001_example', '000_before');
		const records = `mkdir -p ${before} ${PATCH}; tar -C / -czf ${before}/rollback.tgz usr/bin/tee; tar -C / -czf ${PATCH}/rollback.tgz usr/bin/wc`;
		const { on, ended } = patch(`touch patching; ${records}; printf '#!/bin/sh\\nexit 1\\n' >${RELINK}`);
		expect(ended.status).toBe(1);
		expect(on.run('syspatch -l').stdout).toMatch(/^000_before$/m);
	});

	test('of sets that are not here, which an old syspatch tells for ever and does not install, are told', () => {
		const { on, ended } = patch('echo \'[ "$1" != -c ] || printf "001_xserv\\n002_xfont\\n"\' >/lab/stand-ins/syspatch');
		expect(ended.status, ended.stderr).toBe(0);
		expect(on.run('cat /var/db/bsdup/*/report.syspatch').stdout).toBe(
			'syspatch still tells these patches and does not install them, as where their set is not here: 001_xserv 002_xfont\n',
		);
	});

	test('that cannot be told are told so, and nothing fails', () => {
		const { on, ended } = patch("printf 'exit 1\\n' >/lab/stand-ins/syspatch");
		expect(ended.status, ended.stderr).toBe(0);
		expect(on.run('cat /var/db/bsdup/*/report.syspatch').stdout).toBe('syspatch could not tell which patches are missing: run it later\n');
	});

	test('are not asked for where none are made', () => {
		const { on, ended } = patch("printf 'exit 1\\n' >/lab/stand-ins/syspatch", true, 'sparc64');
		expect(ended.status, ended.stderr).toBe(0);
		expect(on.run('cat /var/db/bsdup/*/report.syspatch').stdout).toMatch(/^there are no patches to install for sparc64: .*errata78\.html/);
	});
});
