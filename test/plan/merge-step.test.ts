import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadSetsManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { FREEBSD_RELEASES } from '../lab/freebsd/releases.ts';
import { etcFiles } from '../lab/freebsd/tree.ts';
import { makeSet } from '../lab/mirror.ts';
import { RELEASES } from '../lab/releases.ts';
import { ROOT } from '../lab/root.ts';
import { setsOf } from '../lab/tree.ts';
import { inPlace, makeDistTarget, makeFacts, makeOptions, makeTarget } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

const SERVICES = '# services of 7800\nssh 22/tcp\n';
const NEW = '# new in 7.8, of more than one line\nand another\n';

/** Runs lines that must do well and say nothing of an error; what they say. */
function runIn(on: BareTree, lines: string): string {
	const { status, stdout, stderr } = runLines(on, lines);
	expect([status, stderr]).toEqual([0, '']);
	return stdout;
}

/** A host that has kept its /etc after `before`, and has the /etc of the next release to merge; `run` runs a step. */
function host(unattended: boolean, before = 'true'): { on: BareTree; run: (step: string) => string } {
	const on = makeBareTree('7.7');
	tree = on;
	const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions({ unattended }), 'in-place');
	on.lay({ dirs: ['usr/rel', plan.dir] });
	on.run(before);
	const run = (id: string): string => runIn(on, linesOf(plan, id));
	run('keep');
	const next = [...(setsOf(RELEASES['7.8'])['etc'] ?? []), { path: 'etc/new.conf', text: NEW, mode: 0o644 }];
	writeFileSync(join(on.dir, 'var/sysmerge/etc.tgz'), makeSet(next));
	return { on, run };
}

const etcOf = (on: BareTree): string => on.run('cat /etc/services /etc/new.conf; ls /var/db/bsdup/*').stdout;

describe.skipIf(!canEnterTrees)('a merge of /etc (needs root or user namespaces)', () => {
	// sysmerge as it was when the power went: it has taken the new sums, then what a case says is all it had done.
	test.each([
		['before the first file', 'true'],
		['with nothing of a file on the disk', ': >/etc/services'],
		['with half of a file on the disk', 'printf "# services of 78" >/etc/services'],
		['with blocks of a file that were never written', "tr -c 'x' '\\000' </whole/services >/etc/services"],
		['with half of a new file on the disk', 'cp /whole/services /etc/services; printf "# new in" >/etc/new.conf'],
		['with nothing of the sums on the disk', ': >/var/sysmerge/etcsum'],
		['when it was done', 'cp /whole/services /etc/services; cp /whole/new.conf /etc/new.conf'],
	])('that was cut off %s is whole when it was done again', (_when, cut) => {
		const { on, run } = host(true);
		on.run(
			`cp /etc/services /services; sysmerge -b; mkdir /whole; mv /etc/new.conf /whole; cp /etc/services /whole; mv /services /etc/services; ${cut}`,
		);
		expect(run('sysmerge-batch')).toContain('---- /etc/ssh/sshd_config unhandled');
		const [etc, left] = etcOf(on).split(/(?<=and another\n)/);
		expect(etc).toBe(`${SERVICES}${NEW}`);
		expect(left?.match(/^merge\S*/gm)).toEqual(['merge.sh']);
	});

	test('that was cut off while a user was added takes away what would keep the next one out', () => {
		const { on, run } = host(true);
		on.lay({ programs: { pwd_mkdb: 'echo "made anew of $*"' } });
		const left = ['ptmp', 'pwd.db.tmp', 'spwd.db.tmp'];
		on.run(
			`for f in ${left.join(' ')}; do touch -t 202601010000 /etc/$f; done; mkdir -p /var/run; : >/var/run/dmesg.boot; : >/etc/ptmp.orig`,
		);
		on.run('touch -t 202601010001 /var/run/dmesg.boot');
		expect(run('sysmerge-batch')).toContain('made anew of -p /etc/master.passwd');
		expect(on.run('cd /etc; ls ptmp* *db.tmp 2>/dev/null').stdout).toBe('ptmp.orig\n');
		expect(run('sysmerge-batch')).not.toContain('made anew');
	});

	test('is not begun where there is no room, and says where', () => {
		const { on, run } = host(true);
		const table = [
			'Filesystem 1024-blocks Used Available Capacity Mounted on',
			'/dev/sd0a 9000 9 9000000 1% /',
			'/dev/sd0e 9000 9 10239 1% /var',
		];
		on.lay({ programs: { df: `cat <<'END'\n${table.join('\n')}\nEND\n` } });
		expect(() => run('sysmerge-batch')).toThrow();
		expect(on.run('sh -e /step').stdout).toBe('/var has less than 10 MiB free, too little to merge anything\n');
		expect(etcOf(on)).not.toContain(SERVICES);
	});

	test('has failed where a disk is full after it, also where sysmerge takes sets of /etc', () => {
		const on = makeBareTree('4.9');
		tree = on;
		const plan = buildPlan(inPlace, makeFacts({ release: '4.9' }), makeTarget('5.0'), makeOptions(), 'in-place');
		on.lay({ dirs: ['usr/rel', plan.dir] });
		runIn(on, linesOf(plan, 'keep'));
		const table = (free: number): string => `Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sd0a 9 9 ${free} 1% /`;
		const df = `if [ -f /merged ]; then echo '${table(0)}'; else echo '${table(9_000_000)}'; fi\n`;
		on.lay({ programs: { df, sysmerge: ': >/merged\n' } });
		for (const set of ['etc', 'xetc'])
			writeFileSync(join(on.dir, `usr/rel/${set}50.tgz`), makeSet([{ path: `etc/${set}.conf`, text: NEW, mode: 0o644 }]));
		const { status, stdout } = runLines(on, linesOf(plan, 'sysmerge'));
		expect([status, stdout]).toEqual([1, '/ has less than 10 MiB free, too little to merge anything\n']);
	});

	test('asks a person no more than before it was cut off', () => {
		const { on, run } = host(false);
		on.run('cp /etc/services /services; sysmerge -b; rm /etc/new.conf; mv /services /etc/services');
		expect(run('sysmerge-modern').match(/How should I deal with this/g)).toHaveLength(1);
		expect(etcOf(on)).toContain(`${SERVICES}${NEW}`);
	});

	test('that was cut off begins anew where the sums were moved, and their old directory is gone', () => {
		const { on, run } = host(true, 'mkdir -p /usr/share/sysmerge; mv /var/sysmerge/etcsum /usr/share/sysmerge');
		// The new sysmerge takes the sums to their new place, then those of the new release for them.
		on.run(
			'cp /etc/services /services; mv /usr/share/sysmerge/etcsum /var/sysmerge; rm -r /usr/share/sysmerge; sysmerge -b; mv /services /etc/services',
		);
		run('sysmerge-batch');
		expect(on.run('ls /usr/share/sysmerge').stdout).toBe('etcsum\n');
		expect(etcOf(on)).toContain('sysmerge.out');
	});

	test('that was cut off begins anew where the host had sums in another place alone', () => {
		const { on, run } = host(true, 'mkdir -p /var/db/sysmerge; mv /var/sysmerge/etcsum /var/db/sysmerge');
		on.run('mv /etc/services /services; sysmerge -b; mv /services /etc/services');
		expect(run('sysmerge-batch')).toContain('---- /etc/services unhandled');
	});

	test('is whole where the sets of /etc are in their first place', () => {
		const { on, run } = host(true);
		on.run(
			'cp /etc/services /services; sysmerge -b; mkdir -p /usr/share/sysmerge; cp /var/sysmerge/etc.tgz /usr/share/sysmerge; mv /var/sysmerge/etc.tgz /aside; printf "# new in" >/etc/new.conf; mv /services /etc/services',
		);
		// Of such a sysmerge it is enough here that it is asked: what was torn is away before.
		on.lay({ programs: { sysmerge: 'ls /etc/new.conf 2>&1' } });
		expect(run('sysmerge-batch')).toContain('/etc/new.conf was cut off half written');
	});

	test.each([
		'!!!! cannot find sets to extract',
		'---- Error: cannot find sets to extract',
		'**** ERROR: need root privileges',
		"useradd: can't obtain pw_lock",
	])('has failed where sysmerge says: %s', (said) => {
		const { on, run } = host(true);
		on.lay({ programs: { sysmerge: `cat <<'END'\n${said}\nEND\n` } });
		expect(() => run('sysmerge-batch')).toThrow();
		expect(on.run('sh -e /step').stdout).toContain(`${said}\n`);
	});

	test('leaves what somebody changed meanwhile, though it is neither the old text nor the new', () => {
		const { on, run } = host(true);
		on.run('echo "# services of the house" >/etc/services');
		expect(run('sysmerge-batch')).toContain('---- /etc/services unhandled');
		expect(etcOf(on)).toMatch(/^# services of the house\n/);
	});
});

describe.skipIf(!canEnterTrees)('a merge of /etc of FreeBSD, live (needs root or user namespaces)', () => {
	/** A host that has its new base; `users` and `merge` run what merges, `resolve` are the lines that ask a person. */
	async function host(): Promise<{ on: BareTree; users: () => ReturnType<typeof runLines>; merge: () => string; resolve: () => string }> {
		const on = makeBareTree('14.3-RELEASE');
		tree = on;
		const manifest = await loadSetsManifest(join(ROOT, 'manifests/freebsd/sets.yaml'));
		const facts = makeFacts({ system: 'FreeBSD', release: '14.3', rootDisk: 'ada0p2', sets: ['kernel', 'base'] });
		const to = makeDistTarget('15.0', ['kernel', 'base', 'src']);
		const plan = buildPlan(manifest, facts, to, makeOptions({ backup: null }), 'sets');
		const shipped = etcFiles(FREEBSD_RELEASES['15.0-RELEASE']).map(({ path, text }) => [
			`${plan.sets}/tree/usr/src/etcfiles/${path}`,
			text,
		]);
		on.lay({ dirs: [plan.dir], files: Object.fromEntries(shipped) });
		const world = linesOf(plan, 'world');
		const merge = world.slice(world.indexOf(`sh ${plan.dir}/room.sh`), world.indexOf('! service -e'));
		runIn(on, linesOf(plan, 'keep'));
		runIn(on, linesOf(plan, 'rules'));
		return {
			on,
			users: () => runLines(on, linesOf(plan, 'users')),
			merge: () => runIn(on, merge),
			resolve: () => linesOf(plan, 'resolve'),
		};
	}

	/** What is told of the files that both sides changed. */
	const conflicts = (on: BareTree): string[] => on.run('cat /var/db/bsdup/*/report.etc').stdout.split('\n').slice(1, -1);
	const MOTD = ['  C /etc/motd.template'];

	test('that a power cut left half done, with files empty, is done again from what they were', async () => {
		const { on, users, merge } = await host();
		expect(users()).toMatchObject({ status: 0, stderr: '' });
		const was = on.run('cat /etc/services /etc/master.passwd').stdout;
		on.run('cp -Rp /etc /before; cp -Rp /var/db/etcupdate /record');
		merge();
		const whole = on.run('cat /etc/services /etc/master.passwd').stdout;
		expect(whole).not.toBe(was);

		on.run('rm -rf /etc /var/db/etcupdate; cp -Rp /before /etc; cp -Rp /record /var/db/etcupdate; : >/etc/services; : >/etc/master.passwd');
		merge();
		expect(conflicts(on)).toEqual(MOTD);
		expect(on.run('cat /etc/services /etc/master.passwd').stdout).toBe(whole);
	});

	test('that a power cut left with a part of a file is done again from what it was, and keeps what was mended since', async () => {
		const { on, users, merge } = await host();
		expect(users()).toMatchObject({ status: 0, stderr: '' });
		on.run('cp -Rp /etc /before; cp -Rp /var/db/etcupdate /record');
		merge();
		const whole = on.run('cp /etc/services /whole; cat /whole').stdout;

		on.run('rm -rf /etc /var/db/etcupdate; cp -Rp /before /etc; cp -Rp /record /var/db/etcupdate; head -c 12 /whole >/etc/services');
		on.run('mkdir -p /var/run; : >/var/run/dmesg.boot; /lab/real/bin/sleep 0.1; echo "# mended" >>/etc/rc.conf');
		merge();
		expect(on.run('cat /etc/services; tail -n 1 /etc/rc.conf').stdout).toBe(`${whole}# mended\n`);
	});

	test('tells at the end no conflict that a person has decided since', async () => {
		const { on, users, merge, resolve } = await host();
		expect(users()).toMatchObject({ status: 0, stderr: '' });
		merge();
		expect(conflicts(on)).toEqual(MOTD);
		expect(runLines(on, resolve(), 'p')).toMatchObject({ status: 0, stderr: '' });
		expect(conflicts(on)).toEqual(MOTD);
		expect(runLines(on, resolve(), 'mf')).toMatchObject({ status: 0, stderr: '' });
		expect(conflicts(on)).toEqual([]);
	});

	test('by mergemaster tells at the end no file that a person has decided since', async () => {
		const { on, users, merge, resolve } = await host();
		on.lay({ programs: { more: 'cat', mergemaster: readFileSync(join(ROOT, 'test/lab/freebsd/ufs-stand-ins/mergemaster'), 'utf8') } });
		on.run('rm -r /var/db/etcupdate');
		expect(users()).toMatchObject({ status: 0, stderr: '' });
		merge();
		expect(conflicts(on)).toContain('/etc/motd.template');
		expect(runLines(on, resolve(), '')).toMatchObject({ status: 0, stderr: '' });
		expect(conflicts(on)).toContain('/etc/motd.template');
		expect(runLines(on, resolve(), `\n${'d\n'.repeat(9)}`)).toMatchObject({ status: 0, stderr: '' });
		expect(conflicts(on)).toEqual([]);
	});

	test('of the users that a power cut left empty is done again from what they were', async () => {
		const { on, users } = await host();
		expect(users()).toMatchObject({ status: 0, stderr: '' });
		const whole = on.run('cat /etc/master.passwd').stdout;
		expect(whole).toContain('_newd');
		on.run(': >/etc/master.passwd');
		expect(users()).toMatchObject({ status: 0, stderr: '' });
		expect(on.run('cat /etc/master.passwd').stdout).toBe(whole);
	});

	test('of the users keeps the lines that were changed here, takes the others, adds what is new, and tells what it did not take', async () => {
		const { on, users, merge } = await host();
		const of = (file: string): string[] => on.run(`cat /etc/${file}`).stdout.split('\n').slice(0, -1);
		const accounts = (): string => on.run('cat /var/db/bsdup/*/report.accounts').stdout;
		on.run("sed -i '/^unbound:/d; s/^# end of them/mine:*:1:1::0:0:Mine:\\/:\\/bin\\/sh/' /etc/master.passwd");
		const was = of('master.passwd').slice(1);
		expect(was[0]).toBe('root:$6$practice:0:0::0:0:Charlie &:/root:/bin/csh');
		for (const step of [users, merge]) {
			step();
			// What everybody looks names up in.
			expect(on.run('/lab/real/bin/stat -c %a /etc/passwd /etc/pwd.db /etc/spwd.db').stdout).toBe('644\n644\n600\n');
			expect(of('master.passwd').slice(1)).toEqual([...was, '_newd:*:999:999::0:0:New in 15:/var/empty:/usr/sbin/nologin']);
			expect(of('passwd')).toContain('_newd:*:999:999:New in 15:/var/empty:/usr/sbin/nologin');
			expect(accounts()).toMatch(/^accounts that both sides changed keep the line of this host:\nroot in \/etc\/master\.passwd\n$/);
		}
		expect(conflicts(on)).toEqual(MOTD);
	});

	test('of the users stops where a line is none, with the file as it was, and says how it is mended', async () => {
		const { on, users } = await host();
		on.run("sed -i 's/^# end of them/mine:*:1/' /etc/master.passwd");
		const was = on.run('cat /etc/master.passwd').stdout;
		expect(users()).toMatchObject({ status: 1, stdout: expect.stringContaining('mend it by vipw, then go on') });
		expect(on.run('cat /etc/master.passwd; ls /etc/*.bsdup').stdout).toBe(was);
		on.run("sed -i '/^mine:/d' /etc/master.passwd");
		expect(users()).toMatchObject({ status: 0, stderr: '' });
	});

	test('that was cut off when it was done tells its conflicts again', async () => {
		const { on, users, merge } = await host();
		expect(users()).toMatchObject({ status: 0, stderr: '' });
		for (const _ of [1, 2]) {
			merge();
			expect(conflicts(on)).toEqual(MOTD);
		}
	});

	test('that was cut off between its last two names is done again', async () => {
		const { on, users, merge } = await host();
		expect(users()).toMatchObject({ status: 0, stderr: '' });
		on.run('cp -Rp /var/db/etcupdate/current /record');
		merge();
		on.run('rm -rf /var/db/etcupdate/*; mv /record /var/db/etcupdate/old');
		merge();
		expect(conflicts(on)).toEqual(MOTD);
		expect(on.run('ls /var/db/etcupdate').stdout).toBe('conflicts\ncurrent\nold\npreworld\n');
	});
});
