import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSetsManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { FREEBSD_RELEASES } from '../lab/freebsd/releases.ts';
import { kernelFile } from '../lab/freebsd/tree.ts';
import { ROOT } from '../lab/root.ts';
import { makeDistTarget, makeFacts, makeOptions } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

const manifest = await loadSetsManifest(join(ROOT, 'manifests/freebsd/sets.yaml'));
const facts = makeFacts({ system: 'FreeBSD', release: '14.3', rootDisk: 'ada0p2' });
const plan = buildPlan(manifest, facts, makeDistTarget('15.0', ['kernel', 'base', 'src']), makeOptions({ backup: null }), 'freebsd/sets');

describe.skipIf(!canEnterTrees)('what a live upgrade takes back of a step that was cut (needs root or user namespaces)', () => {
	let on: BareTree;
	beforeEach(() => {
		on = makeBareTree('14.3-RELEASE');
		on.lay({ dirs: [plan.dir] });
	});
	afterEach(() => on.destroy());

	/** Whether a step shows as taken back before it was, and after. */
	function takenBack(id: string): [before: boolean, after: boolean] {
		const { undo = '', undone = '' } = plan.steps.find((step) => step.id === id) ?? {};
		const back = (): boolean => runLines(on, undone).status === 0;
		const before = back();
		expect(runLines(on, undo)).toMatchObject({ status: 0 });
		return [before, back()];
	}

	test.each(['', 'autoboot_delay="3"\n'])('the kernel that loader.conf names, where that was %j', (was) => {
		const [words = ''] = /^cat >\S+kernels\.sh <<'END'\n[\s\S]*?\nEND$/m.exec(linesOf(plan, 'kernel-beside')) ?? [];
		on.lay({ files: { 'boot/kernel.15.0/kernel': kernelFile(FREEBSD_RELEASES['15.0-RELEASE']) } });
		on.run('rm -f /boot/loader.conf');
		if (was !== '') on.lay({ files: { 'boot/loader.conf': was, [`${plan.dir}/loader.conf.was`]: was } });
		expect(takenBack('kernel')).toEqual([true, true]);
		on.lay({ files: { [`${plan.dir}/once.loaderconf`]: '' } });
		expect(runLines(on, `${words}\n. ${plan.dir}/kernels.sh\nloader kernel.15.0`)).toMatchObject({ status: 0 });
		expect(takenBack('kernel')).toEqual([false, true]);
		expect(on.run('cat /boot/loader.conf').stdout).toBe(was);
	});

	test('the kernel that was booted once, where the boot has removed what chose it, which nextboot(8) of some releases takes for an error', () => {
		const strict = 'case $1 in -D) [ -e /boot/nextboot.conf ] && rm /boot/nextboot.conf ;; esac';
		const back = `printf %s 'FreeBSD 14.3-RELEASE releng GENERIC' >/lab/run/version`;
		on.lay({ files: { 'lab/run/version': 'FreeBSD 15.0-RELEASE releng GENERIC\n' } });
		on.lay({ programs: { nextboot: strict, shutdown: back, sleep: ':' } });
		expect(takenBack('boot-new')).toEqual([false, true]);
		on.lay({ files: { 'boot/nextboot.conf': 'nextboot_enable="YES"\nkernel="kernel.15.0"\n' } });
		expect(takenBack('boot-new')).toEqual([false, true]);
	});

	// The steps are the same in all methods but that of packaged base.
	test.each([
		[
			'are refreshed where pkg was cut off, so that it tells nothing of itself',
			'gtar-1.0\n',
			/^pkg bootstrap -f\n[\s\S]*pkg-static upgrade -f -y\n/m,
		],
		['are none where there were none', '', /^no packages here\n$/],
	])('packages %s', (_title, before, said) => {
		const pkg = '[ "$1" != -N ] || exit 1; echo "${0##*/} $*"';
		on.lay({ programs: { pkg, 'pkg-static': pkg }, files: { [`${plan.dir}/packages.before`]: before } });
		const { status, stdout } = runLines(on, linesOf(plan, 'packages'));
		expect([status, stdout]).toEqual([0, expect.stringMatching(said)]);
	});

	test('the kernel, where the copy of loader.conf was cut off', () => {
		on.lay({ files: { 'boot/loader.conf': 'autoboot_delay="3"\n', [`${plan.dir}/loader.conf.was`]: 'auto' } });
		expect(takenBack('kernel')).toEqual([true, true]);
		expect(on.run('cat /boot/loader.conf').stdout).toBe('autoboot_delay="3"\n');
	});

	test('the kernel, where that was cut off with the kernel back in its place and a second one beside it', () => {
		const was = 'autoboot_delay="3"\n';
		on.lay({ files: { 'boot/loader.conf': was, [`${plan.dir}/loader.conf.was`]: was } });
		for (const once of ['loaderconf', 'older']) on.lay({ files: { [`${plan.dir}/once.${once}`]: '' } });
		on.lay({ files: { [`${plan.dir}/kernels.sh`]: 'is_new() { false; }\nloader() { :; }\n' } });
		on.run('cp -pR /boot/kernel /boot/kernel.old');
		expect(takenBack('kernel')).toEqual([false, true]);
		expect(existsSync(join(on.dir, 'boot/kernel.old'))).toBe(false);
	});

	test('the kernel, with the kernel.old of before, which stays where it is called again', () => {
		on.lay({ files: { 'boot/loader.conf': '', [`${plan.dir}/loader.conf.was`]: '' } });
		for (const once of ['loaderconf', 'older']) on.lay({ files: { [`${plan.dir}/once.${once}`]: '' } });
		on.lay({ files: { [`${plan.dir}/kernels.sh`]: 'is_new() { false; }\nloader() { :; }\n', 'boot/kernel.older/mine': '' } });
		on.run('cp -pR /boot/kernel /boot/kernel.old');
		expect(takenBack('kernel')).toEqual([false, true]);
		expect(takenBack('kernel')).toEqual([true, true]);
		expect(on.run('ls /boot/kernel.old').stdout).toBe('mine\n');
	});

	test('no kernel, where there is none after it', () => {
		on.lay({ files: { 'boot/loader.conf': '', [`${plan.dir}/loader.conf.was`]: '' } });
		for (const done of ['once.loaderconf', 'kernel.back']) on.lay({ files: { [`${plan.dir}/${done}`]: '' } });
		const { undone = '' } = plan.steps.find((step) => step.id === 'kernel') ?? {};
		expect(runLines(on, undone).status).toBe(0);
		on.run('rm -r /boot/kernel');
		expect(runLines(on, undone).status).toBe(1);
	});

	test.each(['/etc/master.passwd.bsdup', '/var/db/etcupdate/preworld/etc/group', '/var/db/etcupdate/conflicts/etc/group'])(
		'%s, where the accounts are still as they were',
		(left) => {
			on.run(`cd /etc; tar -cpf ${plan.dir}/users.tar master.passwd group`);
			on.lay({ files: { [`${plan.dir}/once.users`]: '', [left]: '' } });
			expect(takenBack('users')).toEqual([false, true]);
			expect(existsSync(join(on.dir, left))).toBe(false);
		},
	);
});
