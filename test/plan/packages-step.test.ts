import { afterEach, describe, expect, test } from 'vitest';
import type { Target } from '../../src/fetch/target.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

const REPORT = '/var/db/bsdup/*/report.packages';

/** Runs the step with a pkg_add that says `said` and ends with `status`; `answer` is typed; `dirs` are there. */
function refresh(
	unattended: boolean,
	said: string,
	status: number,
	answer = '',
	dirs: string[] = [],
	[from, to] = ['7.7', '7.8'],
): { status: number | null; report: string } {
	const on = makeBareTree('7.8');
	tree = on;
	const plan = buildPlan(inPlace, makeFacts({ release: from }), makeTarget(to), makeOptions({ unattended }), 'in-place');
	on.lay({ dirs: [plan.dir, ...dirs], programs: { pkg_add: `cat <<'END'\n${said}\nEND\nexit ${status}\n` } });
	const ended = runLines(on, linesOf(plan, 'packages'), answer);
	return { status: ended.status, report: on.run(`cat ${REPORT} 2>/dev/null`).stdout };
}

describe.skipIf(!canEnterTrees)('the packages, with nobody there (needs root or user namespaces)', () => {
	const OLD = "Couldn't find updates for mine-1.0";
	test.each([
		['all renewed', 'quirks-7.1->7.2: ok', 0, ''],
		['one that has no newer one', `quirks-7.1->7.2: ok\n${OLD}`, 1, `${OLD}\n`],
		[
			'one where an address of the mirror is not reached, as an IPv6 one',
			`https://mirror.example.org/pub/: ftp: connect to address 2001:db8::1: No route to host\n${OLD}`,
			1,
			`${OLD}\n`,
		],
		[
			'what is not clear',
			'There were some ambiguities. Please run in interactive mode again.',
			0,
			'There were some ambiguities. Please run in interactive mode again.\n',
		],
	])('are done, and told: %s', (_what, said, status, report) => {
		expect(refresh(true, said, status)).toEqual({ status: 0, report });
	});

	test('are done before 5.5 too where one has no newer one', () => {
		expect(refresh(true, OLD, 1, '', [], ['5.3', '5.4'])).toEqual({ status: 0, report: `${OLD}\n` });
	});

	test('tell what a pkg_add that was cut off has left', () => {
		expect(refresh(true, 'quirks-7.2: ok', 0, '', ['var/db/pkg/partial-vim-9.1'])).toEqual({
			status: 0,
			report: 'partial-vim-9.1: left by a pkg_add that was cut off (pkg_delete it, pkg_add the package anew)\n',
		});
	});

	test.each([
		['the mirror has nothing', "https://mirror.example.org/pub/: no such dir\nCouldn't find any update", 1],
		['no package is found on it', "Couldn't find updates for gtar-1.0 node-1.0 quirks-1.0", 1],
		['an old pkg_add finds none on it', "Couldn't find updates for quirks-1.0, node-1.0, gtar-1.0", 0],
		['it has not even what tells of renamed packages', "Couldn't find updates for mine-1.0 quirks-1.0", 1],
		['the line broke', `Error from https://mirror.example.org/: Connection reset\n${OLD}`, 1],
		['the mirror went away', `https://mirror.example.org/vim-9.1.tgz: ftp: connect: Connection timed out\n${OLD}`, 1],
		['the name of the mirror is known no more', `ftp: mirror.example.org: no address associated with name\n${OLD}`, 1],
		['one could not be installed', `${OLD}\nCouldn't install vim-9.1`, 1],
		['pkg_add says no more', '', 139],
	])('are not done where %s', (_what, said, status) => {
		expect(refresh(true, said, status).status).toBe(1);
	});
});

describe.skipIf(!canEnterTrees)('packages that a power cut may have torn (needs root or user namespaces)', () => {
	const AGAIN = '-D installed -D donttie -D repair';

	/** A 7.8 that went down in the step, or whose job alone was ended; one record is empty, and pkg_add tells what it is asked for. */
	function torn(boot: string, status: number, to = '7.8'): BareTree {
		const on = makeBareTree('7.8');
		tree = on;
		const facts = makeFacts({ release: to === '7.8' ? '7.7' : '5.3' });
		const plan = buildPlan(inPlace, facts, makeTarget(to), makeOptions({ unattended: true }), 'in-place');
		const asked = 'echo "$*" >>/asked; case $* in *vim-9.1) exit $STATUS ;; esac';
		on.lay({
			files: { [`${plan.dir}/packing`]: boot, 'var/db/pkg/vim-9.1/+CONTENTS': '' },
			programs: { pkg_add: asked.replace('$STATUS', String(status)), pkg_check: 'echo "check $*" >>/asked' },
		});
		expect(runLines(on, linesOf(plan, 'packages')).status).toBe(0);
		return on;
	}
	const left = (on: BareTree): string => on.run('cd /var/db/bsdup/*; ls; cat report.torn 2>/dev/null').stdout;

	test.each([
		['7.8', `check -f\n${AGAIN} vim-9.1\n-u ${AGAIN}\n`],
		['5.4', `check -f\n${AGAIN} vim-9.1\n-u ${AGAIN}\n`],
	])('are all laid anew, first those without a record: %s', (to, asked) => {
		const on = torn('1\n', 0, to);
		expect(on.run('cat /asked').stdout).toBe(asked);
		expect(on.run('ls /var/db/pkg').stdout).not.toContain('vim');
		expect(left(on)).not.toMatch(/torn|packing/);
	});

	test('are told at the end where they cannot be', () => {
		expect(left(torn('1\n', 1))).toMatch(/^vim-9.1: torn by a power cut, and not laid anew/m);
	});

	test('are none where the host stayed up', () => {
		const boot = makeBareTree('7.8');
		const now = boot.run('sysctl -n kern.boottime').stdout;
		boot.destroy();
		expect(torn(now, 0).run('cat /asked').stdout).toBe('-u\n');
	});
});

test.skipIf(!canEnterTrees).each([
	['yes', 0],
	['no', 1],
])('a person who is there decides what an error of pkg_add means: %s (needs root or user namespaces)', (answer, status) => {
	expect(refresh(false, "Couldn't find updates for mine-1.0", 1, answer).status).toBe(status);
});

// In sh of 4.9 to 5.3 the last command of a list with && or || does not end what runs under -e (ksh, exec.c 1.49): the step must end by itself.
describe.skipIf(!canEnterTrees)('packages before 5.4, whose sh goes on after a list that failed (needs root or user namespaces)', () => {
	const lenient = (unattended: boolean, status: number, answer = ''): number | null => {
		const on = makeBareTree('4.9');
		tree = on;
		const plan = buildPlan(inPlace, makeFacts({ release: '5.2' }), makeTarget('5.3'), makeOptions({ unattended }), 'in-place');
		on.lay({ dirs: [plan.dir], programs: { pkg_add: `exit ${status}` } });
		return runLines(on, `set +e\n${linesOf(plan, 'packages')}`, answer).status;
	};

	test.each([
		['yes', 0],
		['no', 1],
	])('are as a person says: %s', (answer, status) => {
		expect(lenient(false, 1, answer)).toBe(status);
	});

	test.each([
		[0, 0],
		[139, 1],
	])('are done where pkg_add says nothing and ends with %d, or not: %d', (pkgAdd, status) => {
		expect(lenient(true, pkgAdd)).toBe(status);
	});
});

describe.skipIf(!canEnterTrees)('where the packages come from (needs root or user namespaces)', () => {
	const MIRROR = 'https://mirror.example.org/pub';

	/** A 7.8 whose pkg_add tells PKG_PATH; `prepare` is done to it, then the steps are run. */
	function tell(from: string, to: string, steps: string[], prepare = 'true'): BareTree {
		const on = makeBareTree('7.8');
		tree = on;
		const plan = buildPlan(inPlace, makeFacts({ release: from }), makeTarget(to), makeOptions({ unattended: true }), 'in-place');
		on.lay({ dirs: [plan.dir], programs: { pkg_add: 'echo "from ${PKG_PATH:-installurl}"' } });
		on.run(prepare);
		for (const step of steps) expect(runLines(on, `PKG_PATH=/stale; export PKG_PATH\n${linesOf(plan, step)}`)).toMatchObject({ status: 0 });
		return on;
	}

	test.each([
		['4.9', '5.0', `${MIRROR}/5.0/packages/amd64/`],
		['5.7', '5.8', `${MIRROR}/5.8/packages/amd64/`],
		['6.0', '6.1', 'installurl'],
		['7.7', '7.8', 'installurl'],
	])('is told pkg_add in its own way: %s to %s', (from, to, where) => {
		expect(tell(from, to, ['packages']).run('cat /var/db/bsdup/*/packages.out').stdout).toBe(`from ${where}\n`);
	});

	test.each([
		['the next mirror', ['/srv/OpenBSD', MIRROR], [], MIRROR],
		["the host's own", ['file:///srv/OpenBSD'], ['http://near.example.org/pub'], 'http://near.example.org/pub'],
		['the default one', ['/srv/OpenBSD'], [], 'https://cdn.openbsd.org/pub/OpenBSD'],
	])('is no directory that the controller takes the sets from, but %s', (_what, mirrors, own, where) => {
		const target = (version: string): Target => makeTarget(version, { mirror: mirrors[0] ?? '', mirrors });
		const planned = (release: string, to: string): Plan =>
			buildPlan(inPlace, makeFacts({ release, mirrors: own }), target(to), makeOptions(), 'in-place');
		expect(linesOf(planned('5.7', '5.8'), 'packages')).toContain(`\nPKG_PATH=${where}/5.8/packages/amd64/\n`);
		expect(linesOf(planned('6.0', '6.1'), 'installurl')).toContain(`\necho ${where} >/etc/installurl\n`);
	});

	/** An installurl(5) of another mirror; `ftp` gets what is on `mirrors`. */
	const reached = (mirrors: string): string =>
		`echo https://other.example.org/pub/ >/etc/installurl; echo 'for url do :; done; case $url in ${mirrors}) ;; *) exit 1 ;; esac' >/lab/stand-ins/ftp`;
	const own = 'https://other.example.org/pub/7.8/packages/amd64/SHA256';

	test.each([
		['installurl(5) where that has the release too', `${own} | ${MIRROR}/*`, 'installurl', ''],
		['installurl(5) where neither has it', 'none', 'installurl', ''],
		[
			'the sets where that of installurl(5) has not the release, as an old one, and it is told',
			`${MIRROR}/*`,
			`${MIRROR}/7.8/packages/amd64/`,
			`the packages are from ${MIRROR}/7.8/packages/amd64/, for the mirror in /etc/installurl has none of 7.8\n`,
		],
	])('is that of %s', (_how, mirrors, where, told) => {
		const on = tell('7.7', '7.8', ['packages'], reached(mirrors));
		expect(on.run('cat /var/db/bsdup/*/packages.out').stdout).toBe(`from ${where}\n`);
		expect(on.run('cat /var/db/bsdup/*/report.from').stdout).toBe(told);
	});

	test.each([
		['stays as it is', 'echo https://other.example.org/ >/etc/installurl', 'https://other.example.org/', ''],
		[
			'is the mirror of the sets where it was not told yet',
			'rm /etc/installurl',
			MIRROR,
			expect.stringMatching(/^\/etc\/installurl was missing, /),
		],
	])('%s in installurl(5)', (_how, prepare, url, report) => {
		const on = tell('6.0', '6.1', ['installurl'], prepare);
		expect(on.run('cat /etc/installurl').stdout).toBe(`${url}\n`);
		expect(on.run('cat /var/db/bsdup/*/report.installurl').stdout).toEqual(report);
	});

	test('is told at the end as written there also where the step was cut right before or after it was', () => {
		const on = tell('6.0', '6.1', [], 'rm /etc/installurl');
		const plan = buildPlan(inPlace, makeFacts({ release: '6.0' }), makeTarget('6.1'), makeOptions({ unattended: true }), 'in-place');
		const lines = linesOf(plan, 'installurl');
		expect(runLines(on, `echo() { printf '%s\\n' "$1"; kill -KILL $$; }\n${lines}`).status).not.toBe(0);
		expect(runLines(on, lines).status).toBe(0);
		expect(on.run('cat /etc/installurl /var/db/bsdup/*/report.installurl').stdout).toMatch(/^http.*\n\/etc\/installurl was missing, /);
	});
});
