import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Facts } from '../../src/facts/facts.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { publish } from '../lab/mirror.ts';
import { RELEASES } from '../lab/releases.ts';
import { ROOT } from '../lab/root.ts';
import { inPlace, makeFacts, makeOptions, makeTarget, ramdisk } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

let mirror = '';
let on: BareTree;

/** A 7.7 with one processor that has the sets of 7.8, up to the zone; `links` are laid before. */
function brought(links: Record<string, string> = {}): Plan {
	const folder = join(mirror, RELEASES['7.8'].folder);
	const text = readFileSync(join(folder, 'SHA256.sig'), 'utf8');
	const sums = [...readFileSync(join(folder, 'SHA256'), 'utf8').matchAll(/^SHA256 \((.*)\) = (.*)$/gm)];
	const target = makeTarget('7.8', { files: sums.map(([, name = '', sha256 = '']) => ({ name, sha256, size: null })) });
	target.list = { ...target.list, text, sha256: createHash('sha256').update(text).digest('hex') };
	const plan = buildPlan(ramdisk, makeFacts({ multiprocessor: false, cpus: 1 }), target, makeOptions(), 'ramdisk');
	on = makeBareTree('7.7');
	on.lay({ dirs: [plan.dir, 'usr/rel', 'home/rel'], links });
	execFileSync('cp', ['-r', `${folder}/.`, join(on.dir, links['usr/rel'] ?? 'usr/rel')]);
	return plan;
}

/** The zone up to its reboot, then the boot of its install kernel with these faults, then that of /bsd. `loader`: takes the x bits, as where it can write. */
function goThrough(plan: Plan, faults: Record<string, string> = {}, loader = 'a-x'): void {
	const ended = runLines(on, linesOf(plan, 'zone'));
	expect(ended.status, ended.stderr).toBe(0);
	execFileSync('chmod', [loader, join(on.dir, 'bsd.upgrade')]);
	const answers = join(on.dir, 'auto_upgrade.conf');
	spawnSync('bash', [join(ROOT, 'test/lab/ramdisk.sh'), on.dir, answers], { env: { ...process.env, cpus: '1', ...faults } });
	const [, level = '', version = ''] = /^LABKERNEL (\d+).*\nversion (.*)$/m.exec(readFileSync(join(on.dir, 'bsd'), 'utf8')) ?? [];
	on.lay({ files: { 'lab/run/level': `${level}\n`, 'lab/run/version': `${version}\n` } });
}

/** What is told when the host is back: '' where the zone is done. */
function verdict(plan: Plan): string {
	const zone = plan.steps.find(({ id }) => id === 'zone');
	return runLines(on, zone?.done ?? '').status === 0 ? '' : runLines(on, zone?.returned ?? '').stdout;
}

describe('what a person is told before the install kernel is booted', () => {
	const told = (facts: Parameters<typeof makeFacts>[0], manifest = ramdisk): { asked: string; card: string } => {
		const plan = buildPlan(manifest, makeFacts(facts), makeTarget('7.8'), makeOptions(), manifest.method);
		return { asked: linesOf(plan, 'confirm'), card: plan.recovery };
	};

	test('is that it comes again and again where it fails with / on softraid, and what to type', () => {
		expect(told({ also: { softraid: true } }).asked).toMatch(/softraid.*boot \/bsd'$/m);
		expect(told({ also: { softraid: false } }).asked).not.toContain('softraid');
	});

	test('is that the old kernel may not run the new base, and which kernel to try then', () => {
		expect(told({}, inPlace).card).toMatch(
			/boot \/obsd\n[\s\S]*mv \/obsd \/bsd; sync\n +Once base is new \/obsd may not run it[\s\S]*boot \/bsd\.sp/,
		);
	});

	test('is how to have the new install kernel where the cut left that of the release before, which knows no such sets', () => {
		expect(told({}).card).toMatch(/boot \/bsd\.rd\n[\s\S]*release before[\s\S]*\n +cp \/mnt\/usr\/rel\/bsd\.rd \/mnt\/bsd\.rd; reboot\n/);
	});

	test('is the same of octeon and powerpc64, whose loader leaves it to be booted again up to 7.7', () => {
		const lasting = (arch: string, release: string): string => {
			const asked = spawnSync('sh', ['-c', told({ arch, release, also: { softraid: false } }).asked], { encoding: 'utf8' }).stdout;
			return /^The loader of .*$/m.exec(asked)?.[0] ?? '';
		};
		expect(lasting('octeon', '7.7')).toMatch(/^The loader of octeon .* type at its boot> prompt: boot \/bsd$/);
		expect(lasting('powerpc64', '7.7')).toContain('powerpc64');
		expect(lasting('octeon', '7.8')).toBe('');
		expect(lasting('amd64', '7.7')).toBe('');
	});

	test.each([
		['ramdisk', ramdisk],
		['in-place', inPlace],
	])('is that sparc64 has another prompt, where a path with a slash is a device (%s)', (_method, manifest) => {
		expect(told({}, manifest).card).toMatch(/boot> prompt \(sparc64: at ok, without the slash\) type\n {5}boot \/bsd.rd\n/);
	});

	test('is what to answer where it asks for a file that is not brought in place, for its own answer is no', () => {
		expect(told({}, inPlace).card).toContain('INSTALL.amd64 not found, use sets found here anyway? yes');
		expect(told({}).card).not.toContain('INSTALL.amd64');
	});

	test.each([
		['ramdisk', ramdisk],
		['in-place', inPlace],
	])('is how to mount what is on several disks, whose devices it does not keep, after a crash too (%s)', (_method, manifest) => {
		const [root, ...rest] = makeFacts().mounts;
		const mounts = [root, { ...root, device: '/dev/sd1d', path: '/var' }, ...rest] as Facts['mounts'];
		expect(told({ mounts }, manifest).card).toMatch(
			/cd \/dev && sh MAKEDEV sd0 sd1\n +fsck -p \/dev\/sd0a \/dev\/sd1d\n +mount \/dev\/sd0a \/mnt; .*mount \/dev\/sd1d \/mnt\/var\n/,
		);
	});
});

describe.skipIf(!canEnterTrees)('an upgrade by the install kernel (needs root or user namespaces)', () => {
	beforeAll(() => {
		mirror = mkdtempSync(join(tmpdir(), 'bsdup-mirror-'));
		publish(mirror, '7.8');
	});
	afterEach(() => on.destroy());
	afterAll(() => rmSync(mirror, { recursive: true, force: true }));

	test('that ended after the sets is not done, and is when it was tried again', () => {
		const plan = brought();
		goThrough(plan, { boot: 'bad' });
		expect(verdict(plan)).toMatch(/^came back half upgraded: .*boot blocks/);
		goThrough(plan);
		expect(verdict(plan)).toBe('');
	});

	test('that ended after the sets is not done either where a boot in vain came before, which has linked the kernel anew', () => {
		const plan = brought();
		const fstab = readFileSync(join(on.dir, 'etc/fstab'), 'utf8');
		on.lay({ files: { 'etc/fstab': '/dev/sd0a / ffs rw 1 1\n/dev/sd1a /gone ffs rw 1 2\n' } });
		goThrough(plan);
		expect(verdict(plan)).toMatch(/^came back unchanged/);
		on.lay({ files: { 'etc/fstab': fstab, 'var/db/kernel.SHA256': 'SHA256 (/bsd) = linked anew\n' } });
		goThrough(plan, { boot: 'bad' });
		expect(verdict(plan)).toMatch(/^came back half upgraded: .*boot blocks/);
		goThrough(plan);
		expect(verdict(plan)).toBe('');
	});

	test.each([
		[102_400, true],
		[102_399, false],
	])('that tore the kernels and /bsd.rd has left another to boot, where / had %i KiB free: %s', (free, left) => {
		const plan = brought();
		on.lay({ programs: { df: `echo 'Filesystem 1024-blocks Used Available'; echo '/dev/sd0a 9 9 ${free} 1% /'` } });
		goThrough(plan, { torn: 'bsd' });
		expect(existsSync(join(on.dir, 'bsd.upgrade'))).toBe(false);
		const file = join(on.dir, 'bsd.rd.new');
		expect(existsSync(file) && readFileSync(file, 'utf8') === readFileSync(join(on.dir, plan.sets, 'bsd.rd'), 'utf8')).toBe(left);
		expect(runLines(on, linesOf(plan, 'clean'))).toMatchObject({ status: 0 });
		expect(existsSync(file)).toBe(false);
	});

	test('that ended between the kernel and base is half upgraded, not unchanged', () => {
		const plan = brought();
		goThrough(plan, { torn: 'bsd' });
		expect(verdict(plan)).toMatch(/^came back half upgraded/);
		expect(existsSync(join(on.dir, plan.dir, 'no-return'))).toBe(true);
	});

	test('that was never to begin, since the step was cut off before, is not told as one that stopped half way', () => {
		const plan = brought();
		expect(runLines(on, linesOf(plan, 'zone').replace(/^: >.*no-return$/m, 'exit 7')).status).toBe(7);
		expect(verdict(plan)).toMatch(/^came back unchanged: .* before this step had come to its point of no return/);
		goThrough(plan);
		expect(verdict(plan)).toBe('');
	});

	test('finds its sets below a link that means nothing to the install kernel', () => {
		const plan = brought({ 'usr/rel': '/home/rel' });
		goThrough(plan);
		expect(verdict(plan)).toBe('');
	});

	test('that cannot mount what fstab has changed nothing, and tells where its log is, which the boot mails and removes', () => {
		const plan = brought();
		on.lay({ files: { 'etc/fstab': '/dev/sd0a / ffs rw 1 1\n/dev/sd1a /gone ffs rw 1 2\n' } });
		goThrough(plan);
		expect(verdict(plan)).toMatch(/^came back unchanged: \/bsd\.upgrade without .* mailed to root .*\/var\/log\/ai\.log.* fsck/);
		goThrough(plan, {}, 'u+x');
		expect(verdict(plan)).toMatch(
			/^came back unchanged: the loader did not .* on softraid, it did .* mailed to root .*\/var\/log\/ai\.log/,
		);
		expect(existsSync(join(on.dir, 'bsd.upgrade'))).toBe(false);
	});
});
