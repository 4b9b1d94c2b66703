import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { FREEBSD_RELEASES } from '../lab/freebsd/releases.ts';
import { kernelFile } from '../lab/freebsd/tree.ts';
import { ROOT } from '../lab/root.ts';
import { program } from '../lab/tree.ts';
import { makeFacts, makeOptions } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

const manifest = await loadManifest(join(ROOT, 'manifests/freebsd/freebsd-update.yaml'));
const NEW = FREEBSD_RELEASES['15.0-RELEASE'];
const WORK = 'var/db/freebsd-update';
const LINK = createHash('sha256').update('/\n').digest('hex');
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** service(8) of a host with sshd, which tells what it is asked. */
const SERVICE = 'case $1 in -e) echo /etc/rc.d/sshd ;; *) echo "service $*" ;; esac';
/** What runs when the new kernel does. */
const ON_15 = { 'lab/run/version': `FreeBSD ${NEW.kernel} releng GENERIC\n`, 'lab/run/level': '1500\n' };

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

interface Host {
	on: BareTree;
	plan: Plan;
	run(step: string): { status: number | null; said: string };
	sh(script: string): string;
}
/** A host of 14.3, with or without boot environments, in the middle of an upgrade that has written its files. */
function host(environments = true): Host {
	const on = makeBareTree('14.3-RELEASE');
	tree = on;
	const facts = makeFacts({ system: 'FreeBSD', release: '14.3', rootDisk: 'zroot/ROOT/default', also: { environments } });
	const goal = { name: '15.0', kind: 'release' as const, version: '15.0', arch: 'amd64' };
	const plan = buildPlan(manifest, facts, goal, makeOptions({ backup: null }), 'freebsd/freebsd-update');
	on.lay({ dirs: [`${plan.dir.slice(1)}/jobs`, `${WORK}/files`], programs: { service: SERVICE, sshd: ':' } });
	const run = (id: string): { status: number | null; said: string } => {
		const { status, stdout, stderr } = runLines(on, linesOf(plan, id));
		return { status, said: stdout + stderr };
	};
	expect(run('prepare').status).toBe(0);
	return { on, plan, run, sh: (script) => on.run(script).stdout };
}

/** What freebsd-update has laid ready: what is there and what comes, by path, and which of its words for how far it is are said. */
function laid(on: BareTree, files: Record<string, string>, flags: readonly string[] = [], as = `${LINK}-install`): void {
	const dir = join(on.dir, WORK, `install.${as.replace(LINK, '')}`);
	mkdirSync(dir, { recursive: true });
	const store = (text: string): string => {
		writeFileSync(stored(on, text), gzipSync(text));
		return hashOf(text);
	};
	const line = (path: string, text: string): string => `${path}|f|0|0|${path.includes('bin/') ? 755 : 644}|0|${store(text)}|\n`;
	const old = Object.keys(files).map((path) =>
		existsSync(join(on.dir, path)) ? line(path, readFileSync(join(on.dir, path), 'utf8')) : '',
	);
	writeFileSync(join(dir, 'INDEX-OLD'), old.join(''));
	writeFileSync(
		join(dir, 'INDEX-NEW'),
		Object.entries(files)
			.map(([path, text]) => line(path, text))
			.join(''),
	);
	for (const flag of flags) writeFileSync(join(dir, flag), '');
	symlinkSync(`install.${as.replace(LINK, '')}`, join(on.dir, WORK, as));
}
const stored = (on: BareTree, text: string): string => join(on.dir, WORK, 'files', `${hashOf(text)}.gz`);
const textOf = (on: BareTree, path: string): string => readFileSync(join(on.dir, path), 'utf8');

const VERSION = program('base', 'freebsd-version', 1403).replace('# end', 'USERLAND_VERSION="15.0-RELEASE"\n# end');
const KERNEL = { '/boot/kernel/kernel': kernelFile(NEW), '/boot/kernel/zfs.ko': 'module of 1500\n'.repeat(9) };
const WORLD = {
	'/bin/freebsd-version': VERSION,
	'/usr/share/misc/text': 'text of 15\n'.repeat(9),
	'/var/db/made': 'anew\n',
	'/etc/pwd.db': 'anew\n',
};

describe.skipIf(!canEnterTrees)('a step of an upgrade by freebsd-update (needs root or user namespaces)', () => {
	test.each([
		['errata', { ...KERNEL, ...WORLD }, [], 'module of 1500\n'.repeat(9), 'none'],
		['errata', { ...KERNEL, ...WORLD }, [], 'text of 15\n'.repeat(9), 'none'],
		['kernel', { ...KERNEL, ...WORLD }, ['kernelfirst'], 'module of 1500\n'.repeat(9), 'kernel'],
		['world', WORLD, ['kernelfirst', 'kerneldone'], 'text of 15\n'.repeat(9), 'none'],
	])('%s ends where a file came torn onto the disk, and installs it again when it is run again', (step, files, flags, torn, after) => {
		const { on, run, plan, sh } = host();
		laid(on, files, flags);
		if (step === 'world') on.lay({ files: ON_15 });
		truncateSync(stored(on, torn), 20);
		const [path = ''] = Object.entries(files).find(([, text]) => text === torn) ?? [];
		expect(run(step)).toEqual({ status: 1, said: expect.stringMatching(`not installed as they were laid ready.*\n${path}\n`) });
		writeFileSync(stored(on, torn), gzipSync(torn));
		expect(run(step)).toEqual({ status: 0, said: expect.not.stringContaining('not installed') });
		expect(textOf(on, path)).toBe(torn);
		expect(sh(`sh ${plan.dir}/phase`)).toBe(`${after}\n`);
	});

	test('ends where the hints of the modules could not be written, which freebsd-update does not look at', () => {
		const { on, run } = host();
		laid(on, { ...KERNEL, ...WORLD }, ['kernelfirst']);
		on.lay({ programs: { kldxref: 'echo "no room" >&2; exit 1' } });
		expect(run('kernel')).toEqual({ status: 1, said: expect.stringMatching(/no room\n$/) });
		on.lay({ programs: { kldxref: 'echo made >/boot/kernel/linker.hints' } });
		expect(run('kernel')).toMatchObject({ status: 0 });
		expect(textOf(on, 'boot/kernel/linker.hints')).toBe('made\n');
	});

	test('writes the hints of the kernel that was installed, where the EFI partition below /boot is mounted read-only', () => {
		const { on, run } = host();
		laid(on, { ...KERNEL, ...WORLD }, ['kernelfirst']);
		const made =
			'for d; do :; done; case $d in /boot) echo "can\'t create /boot/efi/lhint" >&2; exit 1 ;; esac; echo made >$d/linker.hints';
		on.lay({ programs: { kldxref: made } });
		expect(run('kernel')).toMatchObject({ status: 0 });
		expect(textOf(on, 'boot/kernel/linker.hints')).toBe('made\n');
	});

	test('does not remove a module of PAM that is named in pam.d, without which nobody could log in', () => {
		const { on, run, plan, sh } = host();
		laid(on, { '/usr/lib/pam_unix.so.7': 'pam_unix of 15\n' }, ['kernelfirst', 'kerneldone', 'worlddone']);
		const names = ['pam_opie.so.6', 'pam_unix.so.6', 'pam_old.so.6'];
		for (const name of names) writeFileSync(stored(on, name), gzipSync(name));
		const old = names.map((name) => `/usr/lib/${name}|f|0|0|444|0|${hashOf(name)}|\n`);
		writeFileSync(join(on.dir, WORK, 'install.-install/INDEX-OLD'), old.join(''));
		const pam = 'auth\tsufficient\tpam_opie.so\tno_warn\nauth\trequired\tpam_unix.so\n#auth required pam_old.so\n';
		on.lay({ files: { ...ON_15, 'etc/pam.d/sshd': pam, 'usr/lib/pam_opie.so.6': 'of 14\n' } });
		expect(run('remove-libs')).toEqual({
			status: 1,
			said: expect.stringMatching(/^\/etc\/pam\.d\/sshd names pam_opie\.so, which the release has no more\nwithout it nobody could log in/),
		});
		expect(sh(`sh ${plan.dir}/phase; cat /usr/lib/pam_opie.so.6`)).toBe('world\nof 14\n');
		on.lay({ files: { 'etc/pam.d/sshd': pam.replace(/.*opie.*\n/, '') } });
		expect(run('remove-libs')).toMatchObject({ status: 0 });
		expect(sh(`sh ${plan.dir}/phase`)).toBe('none\n');
	});

	test('puts a directory where a file is, as the headers of libc++ had one, which freebsd-update before EN-23:12 does not', () => {
		const { on, run } = host();
		const within = 'usr/include/c++/v1/__string/char_traits.h';
		on.lay({ files: { ...ON_15, 'usr/include/c++/v1/__string': 'a file of 14\n' } });
		laid(on, { ...WORLD, [`/${within}`]: 'of 15\n' }, ['kernelfirst', 'kerneldone']);
		appendFileSync(join(on.dir, WORK, 'install.-install/INDEX-NEW'), '/usr/include/c++/v1/__string|d|0|0|0755|0||\n');
		expect(run('world')).toMatchObject({ status: 0 });
		expect(textOf(on, within)).toBe('of 15\n');
	});

	test('errata that were there before are not looked at where none are to be installed', () => {
		const { on, run } = host();
		laid(on, { '/etc/motd.template': 'of an older patch\n' }, [], `${LINK}-rollback`);
		expect(run('errata')).toEqual({ status: 0, said: 'there are none\n' });
	});

	// What a disk that is full makes of them; freebsd-update would remove all that the new one lacks.
	test.each([
		['the new list is empty', (lines: string): string => lines.slice(0, 0)],
		['the new list ends in a line', (lines: string): string => lines.slice(0, -20)],
		['the new list lacks the end of a hash', (lines: string): string => lines.replace(/.{9}\|\n/, '|\n')],
		['the new list has no sh', (lines: string): string => lines.replace(/^\/bin\/sh.*\n/m, '')],
	])('ends what was fetched where %s, and forgets it, so that it is laid ready anew', (_what, torn) => {
		const { on, run, sh, plan } = host();
		laid(on, { '/bin/sh': 'sh of 15\n', '/bin/cat': 'cat of 15\n' });
		const list = join(on.dir, WORK, 'install.-install/INDEX-NEW');
		const whole = readFileSync(list, 'utf8');
		on.lay({ programs: { 'freebsd-update': ':' } });
		expect(run('errata-fetch').status).toBe(0);
		writeFileSync(list, torn(whole));
		expect(run('errata-fetch')).toEqual({ status: 1, said: expect.stringContaining('would install are torn') });
		expect(sh(`sh ${plan.dir}/phase`)).toBe('none\n');
	});

	test('takes out of what freebsd-update has stored what is torn before it fetches, and ends where what was fetched is', () => {
		const { on, run } = host();
		laid(on, { '/bin/cat': 'cat of 15\n' });
		const torn = stored(on, 'torn before\n');
		writeFileSync(torn, gzipSync('torn before\n').subarray(0, 20));
		const fetches = `ls ${torn.slice(on.dir.length)} 2>&1; echo x >/${WORK}/files/${hashOf('cat of 15\n')}.gz`;
		on.lay({ programs: { 'freebsd-update': fetches } });
		const { status, said } = run('errata-fetch');
		expect(status).toBe(1);
		expect(said).toMatch(/files\/(\w+)\.gz is torn.*\n.*\1\.gz.*No such file[\s\S]*files\/(\w+)\.gz is torn/);
		expect(existsSync(torn)).toBe(false);
	});

	test.each(['errata', 'world'])('%s starts sshd anew where freebsd-update does not, as before 13.2', (step) => {
		const { on, run } = host();
		on.lay({ files: { 'etc/new': 'installed\n', ...(step === 'world' ? ON_15 : {}) } });
		laid(on, { '/etc/new': 'installed\n' }, step === 'world' ? ['kernelfirst', 'kerneldone'] : []);
		on.lay({ programs: { 'freebsd-update': `cd /${WORK} && mv ${LINK}-install ${LINK}-rollback`, 'freebsd-version': `echo ${NEW.name}` } });
		expect(run(step)).toEqual({ status: 0, said: 'service sshd restart\nservice sshd status\n' });
	});

	test.each([
		['waits for an sshd that does not listen at once', 'test -e /tmp/asked', 0, 'is not running\nis running\n'],
		[
			'ends where sshd does not come up',
			'false',
			1,
			`${'is not running\n'.repeat(10)}sshd does not run, and nobody could log in after this\n`,
		],
	])('%s when it is started anew', (_what, up, status, after) => {
		const { on, run } = host();
		const asked = `if ${up}; then echo is running; else : >/tmp/asked; echo is not running; exit 1; fi`;
		on.lay({
			dirs: ['tmp'],
			files: { 'etc/new': 'installed\n' },
			programs: { service: `case $* in -e) echo /etc/rc.d/sshd ;; 'sshd restart') ;; *) ${asked} ;; esac`, sleep: ':' },
		});
		laid(on, { '/etc/new': 'installed\n' });
		on.lay({ programs: { 'freebsd-update': `cd /${WORK} && mv ${LINK}-install ${LINK}-rollback` } });
		expect(run('errata')).toEqual({ status, said: after });
	});

	// What both sides changed, as diff3 -E -m leaves it; `mine` and `theirs` are of the lines in conflict.
	const account = (name: string, of: string): string => `${name}:*:22:22::0:0:${of}:/:/bin/sh\n`;
	const conflict = (mine: string, theirs: string): string =>
		`${account('root', 'base')}<<<<<<< current version\n${mine}=======\n${theirs}>>>>>>> 15.0-RELEASE\n${account('_late', 'new')}`;
	const CONFLICT = conflict(account('sshd', 'mine') + account('admin', 'mine'), account('sshd', 'theirs') + account('_newd', 'new'));

	test('keeps the lines of this host of accounts in conflict, and the accounts that the release adds; of another file all that this host has', () => {
		const { on, plan, sh } = host();
		on.lay({ files: { 'm/merge/new/etc/master.passwd': CONFLICT, 'm/merge/new/etc/motd.template': CONFLICT } });
		// freebsd-update takes its directory and a path from the root together.
		sh(`for f in master.passwd motd.template; do sh ${plan.dir}/keep-own /m/merge/new//etc/$f; done`);
		expect(textOf(on, 'm/merge/new/etc/master.passwd')).toBe(
			account('root', 'base') + account('sshd', 'mine') + account('admin', 'mine') + account('_newd', 'new') + account('_late', 'new'),
		);
		expect(textOf(on, 'm/merge/new/etc/motd.template')).toBe('welcome to this host\n');
		expect(textOf(on, `${plan.dir}/conflicts`)).toBe('/etc/master.passwd\n/etc/motd.template\n');
	});

	test('does not install a list of accounts of which no databases can be made', () => {
		const { on, plan, run, sh } = host();
		laid(on, { '/etc/master.passwd': 'root:*:0:0::0:0:Charlie:/root:/bin/sh\nadmin:*\n' }, ['kernelfirst']);
		on.lay({
			files: {
				[`${plan.dir}/conflicts`]: '',
				[`${plan.dir}/upgrade.tty`]: '',
				[`${WORK}/tag`]: 'freebsd-update|amd64|15.0|0|0|4000000000\n',
			},
		});
		expect(run('judge')).toEqual({
			status: 1,
			said: expect.stringContaining('/etc/master.passwd: what was merged is no list of accounts'),
		});
		sh(`rm -r /${WORK}/*install*`);
		laid(on, { '/etc/master.passwd': 'root:*:0:0::0:0:Charlie:/root:/bin/sh\n' }, ['kernelfirst']);
		expect(run('judge')).toEqual({ status: 0, said: '' });
	});

	test('keeps the kernel of before on UFS however often a kernel is installed, until it is taken back', () => {
		const { on, plan, run, sh } = host(false);
		const before = textOf(on, 'boot/kernel/kernel');
		expect(run('note-rollback').status).toBe(0);
		laid(on, KERNEL, ['kernelfirst']);
		expect(run('kernel').status).toBe(0);
		sh(`rm /${WORK}/*-install/kerneldone`);
		expect(run('note-rollback').status).toBe(0);
		expect(run('kernel').status).toBe(0);
		expect(textOf(on, 'boot/kernel.old/kernel')).not.toBe(before);
		expect(textOf(on, 'boot/kernel.bsdup/kernel')).toBe(before);
		on.lay({ dirs: [`${plan.dir}/jobs/kernel`], programs: { pkg: 'exit 1' } });
		const { undo = '' } = plan.steps.find(({ id }) => id === 'note-rollback') ?? {};
		expect(runLines(on, undo)).toMatchObject({ status: 0 });
		expect([textOf(on, 'boot/kernel/kernel'), existsSync(join(on.dir, 'boot/kernel.bsdup'))]).toEqual([before, false]);
	});

	// It is cut off where the program of that name is called.
	test.each(['cp', 'readlink', 'freebsd-version', 'mv'])(
		'takes back no patch that was installed before the run, where what could be taken back was not noted yet (%s)',
		(cut) => {
			const { on, plan, run } = host(false);
			on.lay({ files: { 'etc/patched': 'old\n' } });
			laid(on, { '/etc/patched': 'new\n' }, [], `${LINK}-rollback`);
			on.lay({ files: { 'etc/patched': 'new\n' }, programs: { pkg: 'exit 1', sleep: ':', [cut]: 'kill $PPID' } });
			expect(run('note-rollback').status).not.toBe(0);
			on.run(`rm /usr/local/bin/${cut}`);
			const { undo = '', undone = '' } = plan.steps.find(({ id }) => id === 'note-rollback') ?? {};
			expect(runLines(on, undone).status).not.toBe(0);
			expect(runLines(on, undo)).toMatchObject({ status: 0, stdout: '' });
			expect(runLines(on, undone)).toMatchObject({ status: 0 });
			expect(textOf(on, 'etc/patched')).toBe('new\n');
			expect(readdirSync(join(on.dir, 'boot'))).not.toContain('kernel.bsdup');
			expect(readdirSync(join(on.dir, WORK))).toContain(`${LINK}-rollback`);
		},
	);

	test.each(['errata-fetch', 'errata', 'upgrade', 'kernel'])(
		'%s lets freebsd-update replace no kernel that was chosen in the loader',
		(step) => {
			const { on, run } = host(false);
			laid(on, KERNEL, step === 'errata' ? [] : ['kernelfirst']);
			on.lay({
				files: { 'lab/run/bootfile': '/boot/kernel.bsdup/kernel\n' },
				programs: { 'freebsd-update': 'echo called', script: 'echo called' },
			});
			expect(run(step)).toEqual({ status: 1, said: expect.stringMatching(/^\/boot\/kernel\.bsdup\/kernel runs, .*bsdup rollback\)\n$/) });
		},
	);

	test.each(['errata-fetch', 'errata', 'upgrade', 'kernel', 'world', 'remove-libs'])(
		'%s calls no freebsd-update where there is little room, for that installs the world under the old kernel when its lists stay empty',
		(step) => {
			const { on, run } = host(false);
			laid(on, { ...KERNEL, ...WORLD }, step === 'errata' ? [] : step === 'remove-libs' ? ['worlddone'] : ['kernelfirst', 'kerneldone']);
			on.lay({
				files: step === 'world' || step === 'remove-libs' ? ON_15 : {},
				programs: {
					df: 'printf "%s\\n" Filesystem "pool 9 9 200000 9% /" "pool 9 9 100000 9% /var"',
					'freebsd-update': 'echo called',
					script: 'echo called',
				},
			});
			expect(run(step)).toEqual({ status: 1, said: expect.stringMatching(/^\/var has less than 100 MiB free, .*\n$/) });
		},
	);

	test('tells a freebsd-update that makes boot environments to make none, and one that cannot nothing of it', () => {
		const { on, plan, sh } = host();
		const told = (): string => sh(`sh ${plan.dir}/ready && grep CreateBootEnv ${plan.dir}/update.conf`);
		expect(told()).toBe('CreateBootEnv no\n');
		writeFileSync(join(on.dir, 'usr/sbin/freebsd-update'), program('base', 'freebsd-update', 1403));
		expect(told()).toBe('');
		expect(textOf(on, 'etc/freebsd-update.conf')).not.toContain('CreateBootEnv');
	});

	test.each(['14.3-RELEASE', '15.0-RELEASE'])(
		'takes the new kernel for proven under a userland of %s, for the power may go in the midst of it',
		(userland) => {
			const { on, run } = host();
			laid(on, WORLD, ['kernelfirst', 'kerneldone']);
			on.lay({ programs: { 'freebsd-version': `printf '%s\\n' ${NEW.name} ${NEW.name} ${userland}` } });
			expect(run('prove-kernel')).toMatchObject({ status: 0 });
		},
	);

	// Its words for done, of which it takes kernelfirst away first.
	test.each([
		['world', 'world', ['kerneldone', 'worlddone']],
		['world', 'world', ['worlddone']],
		['world', 'patch', []],
		['remove-libs', 'world', ['kerneldone', 'worlddone']],
		['remove-libs', 'world', ['worlddone']],
		['remove-libs', 'patch', []],
	])('%s goes on where freebsd-update was cut off at its end, when it said %s (%j)', (step, phase, flags) => {
		const { on, plan, run, sh } = host();
		on.lay({ files: { ...ON_15, 'usr/lib/libold.so.1': 'gone in 15\n', 'usr/share/misc/text': WORLD['/usr/share/misc/text'] } });
		laid(on, { ...KERNEL, ...WORLD, '/usr/lib/libold.so.1': 'gone\n' }, flags);
		sh(`sed -i /libold/d /${WORK}/*-install/INDEX-NEW`);
		if (phase === 'world') writeFileSync(join(on.dir, 'bin/freebsd-version'), VERSION);
		expect(sh(`sh ${plan.dir}/phase`)).toBe(`${phase}\n`);
		expect(run(step)).toMatchObject({ status: 0 });
		expect(existsSync(join(on.dir, 'usr/lib/libold.so.1'))).toBe(step === 'world');
	});

	// Of two installs the later was taken back: how far freebsd-update was with their names.
	test.each([
		['before it had changed any', ':'],
		['with the install before under another name', 'mv $r/rollback rollback-tmp'],
		['with half of what was taken back removed', 'mv $r/rollback rollback-tmp; rm $r/INDEX-OLD'],
		['with all of it removed', 'mv $r/rollback rollback-tmp; rm -r $(readlink $r)'],
		['with its name removed too', 'mv $r/rollback rollback-tmp; rm -r $(readlink $r); rm $r'],
	])('is taken back where a rollback was cut off at its end, %s', (_when, cut) => {
		const { on, plan, run, sh } = host(false);
		expect(run('note-rollback').status).toBe(0);
		on.lay({ files: { 'etc/first': 'old\n', 'etc/second': 'old\n' } });
		laid(on, { '/etc/first': 'new\n' }, [], `${LINK}-rollback`);
		sh(`cd /${WORK}; mv install.-rollback install.first; rm ${LINK}-rollback`);
		laid(on, { '/etc/second': 'new\n' }, [], `${LINK}-rollback`);
		on.lay({ files: { 'etc/first': 'new\n' } });
		sh(`cd /${WORK}; r=${LINK}-rollback; ln -s install.first $r/rollback; ${cut}`);
		const { undo = '' } = plan.steps.find(({ id }) => id === 'note-rollback') ?? {};
		expect(runLines(on, undo)).toMatchObject({ status: 0 });
		expect([textOf(on, 'etc/first'), textOf(on, 'etc/second'), readdirSync(join(on.dir, WORK))]).toEqual(['old\n', 'old\n', ['files']]);
	});
});
