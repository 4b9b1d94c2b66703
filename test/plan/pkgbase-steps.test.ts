import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { ROOT } from '../lab/root.ts';
import { makeFacts, makeOptions } from './make.ts';
import { linesOf, planOfSets, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

/** What is installed is in /db, `NAME VERSION` a line, what the repositories have in /catalogue; to install `new` one takes `old` away. */
const PKG = `
echo "$*" >>/asked
while [ "$1" = -o ]; do shift 2; done
for last; do :; done
case $* in
'query %n') cut -d ' ' -f 1 /db ;;
'query %n %n-%v') sed 's/\\(.*\\) \\(.*\\)/\\1 \\1-\\2/' /db ;;
'query %n-%v') tr ' ' - </db ;;
'query %n %v') cat /db ;;
'query -e %a = 0 %n') grep -v ^lib /db | cut -d ' ' -f 1 ;;
-vv) printf 'FreeBSD-base: {\n  url : "pkg+https://pkg.FreeBSD.org/FreeBSD:15:amd64/base_release_0",\n' ;;
'upgrade -y'*) awk 'NR == FNR { new[$1] = $2; next } { print $1, ($1 in new) ? new[$1] : $2 }' /catalogue /db >/db.new && mv /db.new /db ;;
rquery*) cat /catalogue ;;
install*)
	grep -q "^$last " /catalogue || { echo "No packages available to install matching '$last'" >&2; exit 1; }
	case $* in
	*' -n '*) [ "$last" != old ] || printf 'Installed packages to be REMOVED:\\n\\tnew: 1\\n'; exit 1 ;;
	*) while [ $# -gt 0 ]; do grep "^$1 " /catalogue >>/db; shift; done ;;
	esac
	c=$(grep "^$last " /configs) || exit 0
	c=/\${c#*/}
	[ ! -f "$c" ] || echo shipped | cmp -s - "$c" || mv "$c" "$c.pkgsave"
	echo shipped >"$c"
	;;
shell) tr "'" '\\n' | while read -r n; do sed -n "s/^$n //p" /configs; done ;;
esac
exit 0
`;

/** The plan of a packaged base, 15.0 to 15.1. */
async function planOfPackages(environments: boolean): Promise<Plan> {
	const manifest = await loadManifest(join(ROOT, 'manifests/freebsd/pkgbase.yaml'));
	const facts = makeFacts({
		system: 'FreeBSD',
		release: '15.0',
		rootDisk: 'zroot/ROOT/default',
		also: { pkgbase: true, environments },
		packages: ['gtar'],
	});
	const to = { name: '15.1', kind: 'release', version: '15.1', arch: 'amd64' } as const;
	return buildPlan(manifest, facts, to, makeOptions({ backup: null }), 'freebsd/pkgbase');
}

test('the card of packaged base has pkg of an install medium read the repositories of the host, which -r does not lead it to', async () => {
	const { dir, recovery } = await planOfPackages(false);
	expect(recovery).toContain(`-r /mnt -o IGNORE_OSVERSION=yes -o REPOS_DIR=/mnt/etc/pkg,/mnt/usr/local/etc/pkg/repos,/mnt${dir}/repos`);
});

/** A host on which `was` was installed, and is `now` where an attempt at the step was cut off; `begun` is what that attempt left. */
function cut(plan: Plan, was: string[], now: string[], catalogue: string[], begun: string): BareTree {
	const on = makeBareTree('14.3-RELEASE');
	tree = on;
	const text = (lines: string[]): string => lines.map((line) => `${line}\n`).join('');
	const configs = { 'etc/ssh/sshd_config': 'of this host\n', 'usr/local/etc/gtar.conf': 'of this host\n', 'etc/group': 'shipped\n' };
	on.lay({
		dirs: [plan.dir],
		files: {
			...configs,
			db: text(was),
			catalogue: text(catalogue),
			configs: 'FreeBSD-ssh /etc/ssh/sshd_config\ngtar /usr/local/etc/gtar.conf\nFreeBSD-clibs /etc/group\n',
		},
		programs: { 'pkg-static': PKG, pkg: PKG, chroot: 'shift; exec "$@"', service: ':' },
	});
	expect(runLines(on, linesOf(plan, 'keep'))).toMatchObject({ status: 0, stderr: '' });
	if (plan.steps.some(({ id }) => id === 'catalogue')) expect(runLines(on, linesOf(plan, 'catalogue'))).toMatchObject({ status: 0 });
	on.lay({ files: { db: text(now), asked: '', ...(begun === '' ? {} : { [`${plan.dir}/${begun}`]: 'of before\n' }) } });
	return on;
}

describe.skipIf(!canEnterTrees)('packages that an upgrade had taken away when it was cut off (needs root or user namespaces)', () => {
	const WAS = ['gone 1', 'gtar 1', 'libgtar 1', 'old 1', 'vim 9'];
	const HAS = ['FreeBSD-runtime 15.1', 'gtar 2', 'libgtar 2', 'new 1', 'old 1', 'vim 9'];
	const plans = [
		['of dist sets', planOfSets],
		['of packaged base', () => planOfPackages(true)],
	] as const;

	test.each(plans)('are installed again, unless others would go for them: a host %s', async (_kind, planned) => {
		const plan = await planned();
		const on = cut(plan, WAS, ['new 1', 'vim 9'], HAS, 'packing');
		expect(runLines(on, linesOf(plan, 'packages'))).toMatchObject({ status: 0 });
		expect(on.run('sort /db').stdout).toBe('gtar 2\nlibgtar 2\nnew 1\nvim 9\n');
		expect(on.run('cat /usr/local/etc/gtar.conf; ls /usr/local/etc/gtar*').stdout).toBe(
			'of this host\n/usr/local/etc/gtar.conf\n/usr/local/etc/gtar.conf.pkgnew\n',
		);
		expect(on.run('grep "install -y" /asked').stdout).toMatch(/install -y gone\n.*install -y gtar\n.*install -y -A libgtar\n$/);
		expect(on.run(`cat ${plan.dir}/report.forgotten; ls ${plan.dir}`).stdout).toMatch(
			/^gone was installed before[^\n]*\nold was installed before[^\n]*\n\/usr\/local\/etc\/gtar.conf is this host's own again[^\n]*\n(?![\s\S]*^packing$)/m,
		);
	});

	test.each(plans)('are what pkg wanted where nothing was cut off: a host %s', async (_kind, planned) => {
		const plan = await planned();
		const on = cut(plan, WAS, ['new 1', 'vim 9'], HAS, '');
		expect(runLines(on, linesOf(plan, 'packages'))).toMatchObject({ status: 0 });
		expect(on.run('grep -c install /asked').stdout).toBe('0\n');
	});

	const BASE = ['FreeBSD-clibs 15.0', 'FreeBSD-gone 15.0', 'FreeBSD-runtime 15.0', 'FreeBSD-ssh 15.0'];
	const BASE_HAS = ['FreeBSD-clibs 15.1', 'FreeBSD-pam 15.1', 'FreeBSD-runtime 15.1', 'FreeBSD-ssh 15.1'];

	test('are installed again where they are of base in the running system, with what this host had in their configuration', async () => {
		const plan = await planOfPackages(false);
		const on = cut(plan, BASE, ['FreeBSD-runtime 15.0'], BASE_HAS, 'laying');
		expect(runLines(on, linesOf(plan, 'live'))).toMatchObject({ status: 0 });
		expect(on.run('sort /db').stdout).toBe('FreeBSD-clibs 15.1\nFreeBSD-runtime 15.1\nFreeBSD-ssh 15.1\n');
		expect(on.run('cd /etc; head ssh/sshd_config* group*').stdout).toBe(
			'==> ssh/sshd_config <==\nof this host\n\n==> ssh/sshd_config.pkgnew <==\nshipped\n\n==> group <==\nshipped\n',
		);
	});

	test('stop an upgrade in a boot environment where they are of base and the release has them', async () => {
		const plan = await planOfPackages(true);
		const lines = [linesOf(plan, 'environment'), linesOf(plan, 'base')].join('\n');
		const on = cut(plan, BASE, ['FreeBSD-clibs 15.1', 'FreeBSD-runtime 15.0'], BASE_HAS, 'laying');
		const { status, stdout } = runLines(on, lines);
		expect([status, stdout]).toEqual([1, expect.stringMatching(/^FreeBSD-ssh\npkg was cut off [^\n]* bsdup rollback/m)]);
	});

	test('stop an upgrade of the running system before sshd is started anew, where pam is among them', async () => {
		const plan = await planOfPackages(false);
		const on = cut(plan, BASE, BASE, BASE_HAS, '');
		const loses = `${PKG.replace(/exit 0\n$/, '')}case $* in 'upgrade -y -r FreeBSD-base') rm /usr/lib/pam_unix.so ;; esac\n`;
		on.lay({ files: { 'usr/lib/pam_unix.so': '' }, programs: { 'pkg-static': loses, service: 'echo /etc/rc.d/sshd; echo "$*" >>/asked' } });
		const { status, stdout } = runLines(on, linesOf(plan, 'live'));
		expect([status, stdout]).toEqual([1, expect.stringMatching(/pam is gone, nobody could log in.* install -r FreeBSD-base FreeBSD-pam/)]);
		expect(on.run('grep -c sshd /asked').stdout).toBe('0\n');
	});

	test('are there again before sshd is tried and started anew', async () => {
		const plan = await planOfPackages(false);
		const lines = linesOf(plan, 'live');
		expect(lines.indexOf('lost.sh')).toBeGreaterThan(0);
		expect(lines.indexOf('lost.sh')).toBeLessThan(lines.indexOf('sshd -t'));
	});
});

describe.skipIf(!canEnterTrees)(
	'packages that a power cut may have torn where the running system is changed (needs root or user namespaces)',
	() => {
		test('are laid anew: those of base', async () => {
			const plan = await planOfPackages(false);
			const was = ['FreeBSD-clibs 15.0', 'FreeBSD-man 15.0', 'FreeBSD-runtime 15.0', 'pkg 2.4'];
			const now = ['FreeBSD-clibs 15.1', 'FreeBSD-man 15.0', 'FreeBSD-pam 15.1', 'FreeBSD-runtime 15.0', 'pkg 2.5'];
			const on = cut(plan, was, now, ['FreeBSD-runtime 15.1', 'FreeBSD-clibs 15.1', 'FreeBSD-pam 15.1'], 'laying');
			expect(runLines(on, linesOf(plan, 'live'))).toMatchObject({ status: 0 });
			expect(on.run('grep -e "upgrade -[fy]" /asked').stdout).toMatch(
				/upgrade -f -y -r FreeBSD-base FreeBSD-clibs FreeBSD-pam\n.* upgrade -y -r FreeBSD-base\n$/,
			);
		});

		test('are laid anew: the others', async () => {
			const plan = await planOfPackages(false);
			const was = ['FreeBSD-clibs 15.0', 'gtar 1', 'pkg 2.4', 'vim 9'];
			const on = cut(plan, was, ['FreeBSD-clibs 15.1', 'gtar 2', 'pkg 2.5', 'vim 9'], ['FreeBSD-runtime 15.1', 'gtar 2'], 'packing');
			expect(runLines(on, linesOf(plan, 'packages'))).toMatchObject({ status: 0 });
			expect(on.run('grep -e "upgrade -[fy]" /asked').stdout).toMatch(/upgrade -f -y gtar\n.* upgrade -y\n$/);
		});

		test('are none where the host did not go down meanwhile', async () => {
			const plan = await planOfPackages(false);
			const on = cut(plan, ['gtar 1'], ['gtar 2'], ['FreeBSD-runtime 15.1', 'gtar 2'], '');
			on.run(`sysctl -n kern.boottime >${plan.dir}/packing`);
			expect(runLines(on, linesOf(plan, 'packages'))).toMatchObject({ status: 0 });
			expect(on.run('grep -c "upgrade -f" /asked').stdout).toBe('0\n');
		});

		test('are none where nothing was cut off', async () => {
			const plan = await planOfPackages(false);
			const on = cut(plan, ['FreeBSD-clibs 15.0'], ['FreeBSD-clibs 15.1'], ['FreeBSD-runtime 15.1', 'FreeBSD-clibs 15.1'], '');
			expect(runLines(on, linesOf(plan, 'live'))).toMatchObject({ status: 0 });
			expect(on.run('grep -c "upgrade -f" /asked').stdout).toBe('0\n');
		});
	},
);

describe.skipIf(!canEnterTrees)('an sshd that is not enabled, and has no keys of its own (needs root or user namespaces)', () => {
	const BASE = ['FreeBSD-runtime 15.0'];
	const HAS = ['FreeBSD-runtime 15.1'];

	test('does not stop an upgrade of the running system', async () => {
		const plan = await planOfPackages(false);
		const on = cut(plan, BASE, BASE, HAS, '');
		expect(on.run('/usr/sbin/sshd -t').status).not.toBe(0);
		expect(runLines(on, linesOf(plan, 'live'))).toMatchObject({ status: 0 });
	});

	test('does not stop an upgrade in a boot environment', async () => {
		const plan = await planOfPackages(true);
		const on = cut(plan, BASE, BASE, HAS, '');
		on.lay({ programs: { 'freebsd-version': 'echo 15.1-RELEASE' } });
		const userland = 'for be in /lab/pool/be/15.1-*; do echo \'USERLAND_VERSION="15.1-RELEASE"\' >$be/bin/freebsd-version; done';
		// What is mounted goes with the shell that mounted it.
		const lines = [`(${linesOf(plan, 'environment')}\n${linesOf(plan, 'base')}\n)`, userland, linesOf(plan, 'settle')].join('\n');
		expect(runLines(on, lines)).toMatchObject({ status: 0, stderr: '' });
	});
});
