import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadSetsManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { ROOT } from '../lab/root.ts';
import { makeDistTarget, makeFacts, makeOptions } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

describe.skipIf(!canEnterTrees)('a boot environment (needs root or user namespaces)', () => {
	/** A host with the directory of a run. */
	async function host(): Promise<{ on: BareTree; plan: Plan }> {
		const on = makeBareTree('14.3-RELEASE');
		tree = on;
		const manifest = await loadSetsManifest(join(ROOT, 'manifests/freebsd/boot-environment.yaml'));
		const facts = makeFacts({ system: 'FreeBSD', release: '14.3', rootDisk: 'zroot/ROOT/default', sets: ['kernel', 'base'] });
		const to = makeDistTarget('15.0', ['kernel', 'base', 'src']);
		const plan = buildPlan(manifest, facts, to, makeOptions({ backup: null }), 'freebsd/boot-environment');
		on.lay({ dirs: [plan.dir] });
		return { on, plan };
	}

	test('is mounted by each step that needs it, on a directory that is not there yet', async () => {
		const { on, plan } = await host();
		const lines = [linesOf(plan, 'environment'), linesOf(plan, 'dead-man')].join('\n');
		expect(runLines(on, lines)).toMatchObject({ status: 0, stderr: '' });
		expect(on.run('ls /lab/pool/be/15.0/etc/rc.d').stdout).toBe('bsdup_deadman\n');
		for (const { commands, undo } of plan.steps)
			for (const line of [...commands, ...undo.split('\n')])
				if (line.includes('bectl mount')) expect(line).toMatch(/mkdir -p \S+\/be; bectl mount/);
	});

	test('is not worked in where the directory for it cannot be made, as on a full disk: the first try would pass for one', async () => {
		const { on, plan } = await host();
		expect(runLines(on, linesOf(plan, 'environment'))).toMatchObject({ status: 0, stderr: '' });
		on.lay({ programs: { mkdir: `case $* in */be) exit 1 ;; esac; exec /lab/real/bin/mkdir "$@"` } });
		expect(runLines(on, linesOf(plan, 'sets'))).toMatchObject({ status: 1 });
		expect(on.run(`ls ${plan.dir}`).stdout).not.toContain('once.kernel');
	});

	test('goes back by itself also where its boot stops in single user mode, at a file system that it cannot mount', async () => {
		const { on, plan } = await host();
		const lines = [linesOf(plan, 'environment'), linesOf(plan, 'dead-man')].join('\n');
		expect(runLines(on, lines)).toMatchObject({ status: 0, stderr: '' });
		on.lay({ files: { 'etc/fstab': '//FILES/SHARE /mnt smbfs rw 0 0\n' }, programs: { sleep: ':', reboot: ': >/lab/gone-back' } });
		const { stdout } = on.run(
			'cp -p /lab/pool/be/15.0/etc/rc.d/bsdup_deadman /etc/rc.d/; sh /etc/rc; /lab/real/bin/sleep 2; ls /lab/gone-back',
		);
		expect(stdout).toMatch(/startup aborted[\s\S]*^\/lab\/gone-back$/m);
	});

	test('tells what was written in the running one after it was made, for that is not in it', async () => {
		const { on, plan } = await host();
		on.lay({ files: { 'var/db/mysql/old': '', 'var/db/mysql/ibdata1': 'first\n' }, programs: { shutdown: ':', sleep: ':' } });
		expect(runLines(on, linesOf(plan, 'environment'))).toMatchObject({ status: 0, stderr: '' });
		on.run('echo more >>/var/db/mysql/ibdata1; echo >/var/run/pid; echo >/var/db/bsdup/other');
		expect(runLines(on, linesOf(plan, 'reboot'))).toMatchObject({ status: 0, stderr: '' });
		const { stdout } = on.run(`cat /lab/pool/be/15.0${plan.dir}/report.written`);
		expect(stdout).toMatch(/^written in default after the new boot environment was made[^\n]*\n/);
		expect(stdout.split('\n').filter((line) => line.startsWith('/') && line !== '/step')).toEqual(['/var/db/mysql/ibdata1']);
	});

	test('tells what was written in a dataset below the running one too, which is cloned with it', async () => {
		const { on, plan } = await host();
		const below = 'zroot/ROOT/default/pg on /var/db/pg (zfs, local, noatime)';
		on.lay({
			files: { 'var/db/pg/base': '' },
			programs: {
				...{ shutdown: ':', sleep: ':' },
				// -xdev
				find: 'if [ "$1" = / ]; then shift; exec /lab/real/bin/find / -path /lab -prune -o -path /var/db/pg -prune -o "$@"; fi; exec /lab/real/bin/find "$@"',
				mount: `. /lab/stand-ins/pool-lib; echo 'zroot/ROOT/default on / (zfs, local)'; echo '${below}'; while read -r name dir; do echo "zroot/ROOT/$name on $dir (zfs, local)"; done <$mounts`,
			},
		});
		expect(runLines(on, linesOf(plan, 'environment'))).toMatchObject({ status: 0, stderr: '' });
		on.run('echo more >>/var/db/pg/base');
		expect(runLines(on, linesOf(plan, 'reboot'))).toMatchObject({ status: 0, stderr: '' });
		expect(on.run(`cat /lab/pool/be/15.0${plan.dir}/report.written`).stdout).toMatch(/^\/var\/db\/pg\/base$/m);
	});

	// Datasets lie below it, of which a clone that was cut off has none.
	test('is made anew where it was cut off before all of its datasets were there', async () => {
		const { on, plan } = await host();
		on.lay({
			files: { 'lab/deep': '' },
			programs: { zfs: 'for d; do :; done; echo "$d"; [ -f "/lab/pool/be/${d##*/}/cut" ] || echo "$d/usr"' },
		});
		on.run('mkdir /lab/pool/be/15.0; : >/lab/pool/be/15.0/cut; : >/lab/pool/schg/15.0');
		expect(runLines(on, linesOf(plan, 'environment'))).toMatchObject({ status: 0, stderr: '' });
		expect(on.run('ls /lab/pool/be; ls /lab/pool/be/15.0').stdout).toMatch(/^15\.0\ndefault\n(?!.*^cut$)[\s\S]*^etc$/m);
		on.run(': >/lab/pool/be/15.0/kept');
		expect(runLines(on, linesOf(plan, 'environment'))).toMatchObject({ status: 0, stderr: '' });
		expect(on.run('ls /lab/pool/be/15.0').stdout).toContain('kept');
	});

	test('keeps the old kernel beside the new one where it was cut off right after the old one made place', async () => {
		const { on, plan } = await host();
		on.lay({ dirs: [plan.sets] });
		const lines = linesOf(plan, 'sets').split('\n');
		const place = lines.slice(0, lines.indexOf('sync')).join('\n');
		const cut = `${place}\nfi`;
		expect(runLines(on, [linesOf(plan, 'environment'), cut, cut].join('\n'))).toMatchObject({ status: 0, stderr: '' });
		expect(on.run('cat /lab/pool/be/15.0/boot/kernel.old/kernel').stdout).toMatch(/^LABKERNEL 1403 /);
	});

	test('that does not prove itself tells when it goes back, and how to hold that back', async () => {
		const { on, plan } = await host();
		on.lay({ files: { 'lab/run/be': '15.0\n' } });
		const told = `not proven: 900 seconds after its start this host goes back to zroot/ROOT/default by itself, unless it is proven before; to hold that back while you mend it: touch ${plan.dir}/alive\n`;
		expect(runLines(on, linesOf(plan, 'prove'))).toMatchObject({ status: 1, stdout: expect.stringContaining(`is not 15.0\n${told}`) });
		on.lay({
			programs: { 'freebsd-version': 'echo 15.0-RELEASE; echo 15.0-RELEASE; echo 15.0-RELEASE', service: '[ "$1" != sshd ] || exit 1' },
		});
		expect(runLines(on, linesOf(plan, 'prove'))).toMatchObject({ status: 0, stdout: expect.not.stringContaining('not proven') });
	});

	test.each(['', ': >/lab/deep'])('is taken back while it is mounted: %s', async (deep) => {
		const { on, plan } = await host();
		const undo = plan.steps.find(({ id }) => id === 'environment')?.undo ?? '';
		const lines = [deep, linesOf(plan, 'environment'), linesOf(plan, 'dead-man'), undo].join('\n');
		expect(runLines(on, lines)).toMatchObject({ status: 0, stderr: '' });
		expect(on.run('ls /lab/pool/be').stdout).toBe('default\n');
	});
});
