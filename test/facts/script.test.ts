import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { factsScript, parseFacts, systemIn } from '../../src/facts/gather.ts';
import { loadProbes, parseProbes } from '../../src/facts/probes.ts';
import { ROOT } from '../lab/root.ts';

const dir = mkdtempSync(join(tmpdir(), 'bsdup-facts-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** The shells at hand: Debian's sh, and mksh, the nearest to ksh. */
const shells = ['/bin/sh', '/usr/bin/mksh'];
const probes = await loadProbes(join(ROOT, 'manifests'), 'OpenBSD');
const CASE = 'case "$*" in';
const NONE = 'echo "usage" >&2; exit 1';

/** What stands in for the programs that Linux lacks, as 7.8 answers; the rest are the machine's own. */
const MODERN: Record<string, string> = {
	uname: `${CASE} -s) echo OpenBSD ;; -m) echo amd64 ;; *) ${NONE} ;; esac`,
	sysctl: `${CASE}
"-n kern.version") printf 'OpenBSD 7.8-current (GENERIC.MP) #42: Mon Jan 12 10:00:00 MST 2026\\n    root@build.example:/x\\n\\n' ;;
"-n kern.boottime") echo 1768200000 ;; "-n kern.securelevel") echo 1 ;;
"-n hw.ncpu") echo 2 ;; "-n hw.ncpufound") echo 4 ;; "-n net.inet.ip.forwarding") echo 1 ;;
*) ${NONE} ;; esac`,
	machine: `${CASE} -a) echo amd64 ;; *) ${NONE} ;; esac`,
	hostname: 'printf db1.example.org',
	mount: 'echo "/dev/sd2a on / type ffs (local)"',
	df: `echo 'Filesystem  1K-blocks      Used     Avail Capacity  Mounted on'; echo '/dev/sd2a     1030550    210230    768793    22%    /'`,
	bioctl: `echo 'Volume      Status               Size Device'; echo 'softraid0 0 Online     120034123776 sd2     CRYPTO'
echo '          0 Online     120034123776 0:0.0   noencl <sd0a>'`,
	rcctl: `${CASE} "ls on") printf 'cron\\nntpd\\nsshd\\n' ;; "ls started") printf 'cron\\nsshd\\n'; exit 1 ;; *) ${NONE} ;; esac`,
	pgrep: 'exit 1',
	pkg_info: `${CASE} -mq) printf 'gtar-1.35\\nrsync-3.4.1\\n' ;; *) ${NONE} ;; esac`,
	sha256: `${CASE} -q*) sed 's/.*= //;q' "$2" ;; *) ${NONE} ;; esac`,
	id: `${CASE} -un) echo root ;; -u) echo 0 ;; esac`,
	doas: 'echo "doas: doas is not enabled" >&2; exit 1',
	sudo: 'exec false',
};
const MODERN_FILES: Record<string, string> = {
	'/etc/installurl': '# near us\nhttps://cdn.example.org/pub/OpenBSD\nhttps://me:ge/heim@b.example.org/pub\n\n',
	'/etc/signify/openbsd-78-base.pub': 'untrusted comment: openbsd 7.8 base public key\nRWT=',
	'/etc/signify/openbsd-79-base.pub': 'untrusted comment: openbsd 7.9 base public key\nRWU=\n',
	'/var/db/installed.BUILDINFO': 'Build date: 1768208123 - Mon Jan 12 08:55:23 UTC 2026\nuser: 123456789012\n',
	'/var/db/installed.SHA256': `SHA256 (x) = ${'ab'.repeat(32)}\n`,
	'/usr/include/stdio.h': '',
	'/usr/local/bin/gtar': '',
	'/usr/X11R6/lib/libX11.so.18.0': '',
	// Directories that mtree(8) or the set xbase itself makes
	'/usr/X11R6/include/pixman-1/pixman.h': '',
	'/usr/X11R6/lib/X11/fonts/misc/': '',
	'/usr/share/man/man1/': '',
};

/** The same as 4.9 has it: no rcctl, no hw.ncpufound, no doas, ctime(3) for the boot time. */
const OLD: Record<string, string> = {
	...MODERN,
	sysctl: (MODERN['sysctl'] ?? '')
		.replace('7.8-current', '4.9-beta')
		.replace('echo 1768200000', 'echo "Thu Mar 10 06:13:20 2011"')
		.replace('"-n hw.ncpufound") echo 4 ;;', ''),
	bioctl: NONE,
	pgrep: `${CASE} "-x ntpd" | "-x cron") echo 7 ;; "-x X|Xorg") echo 9 ;; *) exit 1 ;; esac`,
	pkg_info: `${CASE} -q) echo gtar-1.23p0 ;; *) ${NONE} ;; esac`,
};
for (const name of ['rcctl', 'doas', 'sha256']) delete OLD[name];
const OLD_FILES: Record<string, string> = {
	'/etc/rc.conf':
		'httpd_flags=NO\t\t# for normal use: ""\nntpd_flags=NO\nsmtpd_flags="NO"\nsendmail_flags="-L sm-mta -bd"\nnamed_flags=NO\npf=YES\n# x_flags=""\n',
	'/etc/rc.conf.local': 'ntpd_flags="-s"\t# corrects the clock\nsendmail_flags=NO\nhttpd_flags="-D A=b"\n',
	'/root/.profile': "export PATH\nexport PKG_PATH='ftp://ftp.example.org/pub/OpenBSD/snapshots/packages/amd64/'\n",
	'/usr/share/man/man1/': '',
	'/usr/share/man/cat1/ls.0': '',
	'/usr/X11R6/lib/X11/fonts/misc/6x13.pcf.gz': '',
	'/usr/X11R6/lib/': '',
	'/usr/X11R6/include/X11/X.h': '',
};

/** Lays the files and stand-ins in a folder, and runs the script there: its PATH and the paths it reads are turned into the folder. */
function run(shell: string, name: string, programs: Record<string, string>, files: Record<string, string>): string {
	const root = join(dir, `${name}-${shell.replaceAll('/', '')}`);
	const put = (file: string, text: string, mode: number): void => {
		mkdirSync(file.endsWith('/') ? join(root, file) : dirname(join(root, file)), { recursive: true });
		if (file.endsWith('/')) return;
		writeFileSync(join(root, file), text);
		chmodSync(join(root, file), mode);
	};
	for (const [file, text] of Object.entries(files)) put(file, text, file.startsWith('/usr/local/bin/') ? 0o755 : 0o644);
	for (const [program, text] of Object.entries(programs)) put(`/programs/${program}`, `#!/bin/sh\n${text}\n`, 0o755);
	// Programs of a base system that the probes may use; what is not here is missing on the practice path.
	for (const program of ['sed', 'grep', 'awk', 'cat', 'sort', 'cut', 'date', 'false'])
		for (const folder of ['/bin', '/usr/bin'])
			if (existsSync(join(folder, program)) && !existsSync(join(root, 'programs', program)))
				copyFileSync(realpathSync(join(folder, program)), join(root, 'programs', program));
	const before = readdirSync(root, { recursive: true });
	const script = factsScript(probes)
		.replace(/^PATH=[^;]*/, `PATH=${join(root, 'programs')}`)
		.replaceAll(/(?<=[\s"'])\/(etc|usr|var|root)\//g, `${root}/$1/`);
	const { stdout, status, stderr } = spawnSync(shell, [], { input: script, encoding: 'utf8', env: {} });
	expect([status, stderr], 'the script ends well and is silent on stderr').toEqual([0, '']);
	expect(readdirSync(root, { recursive: true }), 'it only reads').toEqual(before);
	return stdout.replaceAll(root, '');
}

describe.each(shells)('the script of probes, run by %s', (shell) => {
	test.skipIf(!existsSync(shell))('tells the facts of a host of today', () => {
		const output = run(shell, 'modern', MODERN, MODERN_FILES);
		expect(systemIn(output)).toBe('OpenBSD');
		expect(parseFacts(probes, output)).toMatchObject({
			host: 'db1.example.org',
			release: '7.8',
			flavour: 'current',
			cpus: 4,
			multiprocessor: true,
			customKernel: false,
			bootTime: 1768200000,
			mounts: [{ path: '/', free: 768793 * 1024, options: ['local'] }],
			rootDisk: 'sd2',
			encryptedRoot: true,
			also: { softraid: true },
			sets: ['base', 'comp', 'xbase'],
			gnuTar: '/usr/local/bin/gtar',
			xRunning: false,
			forwarding: true,
			daemons: { enabled: ['cron', 'ntpd', 'sshd'], running: ['cron', 'sshd'] },
			keys: {
				'openbsd-78-base.pub': 'untrusted comment: openbsd 7.8 base public key\nRWT=\n',
				'openbsd-79-base.pub': 'untrusted comment: openbsd 7.9 base public key\nRWU=\n',
			},
			installedBuild: 1768208123,
			installedList: 'ab'.repeat(32),
			mirrors: ['https://cdn.example.org/pub/OpenBSD', 'https://b.example.org/pub'],
			packages: ['gtar-1.35', 'rsync-3.4.1'],
			privileges: { user: 'root', root: true, doas: false, sudo: false },
		});
	});

	test.skipIf(!existsSync(shell))('tells those of a host without rcctl, hw.ncpufound, doas and installurl', () => {
		expect(parseFacts(probes, run(shell, 'old', OLD, OLD_FILES))).toMatchObject({
			release: '4.9',
			flavour: 'beta',
			cpus: 2,
			multiprocessor: true,
			bootTime: 1299737600,
			encryptedRoot: false,
			also: { softraid: false },
			sets: ['base', 'man', 'xfont', 'xshare'],
			gnuTar: null,
			xRunning: true,
			daemons: { enabled: ['httpd', 'ntpd'], running: ['ntpd', 'cron'] },
			keys: {},
			installedBuild: null,
			installedList: null,
			mirrors: ['ftp://ftp.example.org/pub/OpenBSD'],
			packages: ['gtar-1.23p0'],
			privileges: { user: 'root', root: true, doas: false, sudo: false },
		});
	});

	test.skipIf(!existsSync(shell))('the set of X servers is told also where X is none of them, and once', () => {
		const sets = (name: string, ...servers: string[]): string[] => {
			const files = Object.fromEntries(servers.map((server) => [`/usr/X11R6/bin/${server}`, '']));
			return parseFacts(probes, run(shell, name, MODERN, { ...MODERN_FILES, ...files })).sets;
		};
		expect(sets('octeon', 'Xephyr')).toEqual(['base', 'comp', 'xbase', 'xserv']);
		expect(sets('servers', 'X', 'Xephyr')).toEqual(['base', 'comp', 'xbase', 'xserv']);
	});

	test.skipIf(!existsSync(shell))('a root on a volume with a key disk waits for nobody', () => {
		const bioctl = `${MODERN['bioctl']}; echo '          1 Online           key disk 0:1.0   noencl <sd1a>'`;
		expect(parseFacts(probes, run(shell, 'keydisk', { ...MODERN, bioctl }, MODERN_FILES)).encryptedRoot).toBe(false);
	});

	test.skipIf(!existsSync(shell))('a kernel of the admin’s own is told', () => {
		const sysctl = (MODERN['sysctl'] ?? '').replace('(GENERIC.MP)', '(GENERIC.MINE)');
		expect(parseFacts(probes, run(shell, 'custom', { ...MODERN, sysctl }, MODERN_FILES)).customKernel).toBe(true);
	});

	test.skipIf(!existsSync(shell))('a probe that exits, reads its input or changes a variable does not touch the others', () => {
		const nasty = parseProbes(
			`format: 1\nsystem: T\nprobes:\n${['exit 3', 'cat', 'PATH=/nowhere; cd /', 'printf x', 'pwd >&2; true']
				.map((command, index) => `  - { id: ${'abcde'[index]}, command: ${JSON.stringify(command)}, parse: line }\n`)
				.join('')}`,
			'nasty.yaml',
		);
		const { stdout } = spawnSync(shell, [], { input: factsScript(nasty), encoding: 'utf8' });
		expect(stdout.split('\n').slice(1).join('\n')).toBe(
			'@@bsdup a\n\n@@bsdup = 3\n@@bsdup b\n\n@@bsdup = 0\n@@bsdup c\n\n@@bsdup = 0\n@@bsdup d\nx\n@@bsdup = 0\n@@bsdup e\n\n@@bsdup = 0\n@@bsdup end\n',
		);
	});
});
