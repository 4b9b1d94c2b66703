import { spawnSync } from 'node:child_process';
import {
	chownSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Step } from '../../src/plan/plan.ts';
import { HostLink } from '../../src/run/host-link.ts';
import { HostProgram as Driver } from '../../src/run/host-program.ts';
import { localTransport } from '../../src/transport/local.ts';
import { canEnterTrees } from '../lab/bare-tree.ts';
import { HostProgram, makeStep, SHELLS, trace, until } from './host-program.ts';

let host: HostProgram;
afterEach(() => {
	vi.unstubAllEnvs();
	host.remove();
});
const root = process.getuid?.() === 0;
const slow = (top: string): Step[] => [
	makeStep('slow', [trace(top, 'began'), `while [ ! -f '${top}/go' ]; do sleep 0.1; done`, trace(top, 'ended')]),
];
const go = (): void => writeFileSync(join(host.top, 'go'), '');

/** Runs `script` with $1 = the directory of the runs and $2 = the run's program, in mounts of its own, after `mount`. */
function mounted(shell: string, mount: string, script: string): string {
	const inside = `${mount}\nstart() { ${shell} "$2" start "$1" 1 2>&1 | head -n 1; }\n${script}`;
	const flags = [...(root ? [] : ['-r']), '--mount', 'sh', '-c', inside, 'sh', host.top, host.script];
	const { stdout, stderr } = spawnSync('unshare', flags, { encoding: 'utf8', timeout: 60_000 });
	return stdout + stderr;
}

describe.skipIf(!canEnterTrees).each(SHELLS)('a disk that is full, with %s (needs mounts of its own)', (shell) => {
	/** A small disk in the place of the directory, with what was there. */
	const SMALL =
		'cp -r "$1" /tmp/small.$$ && mount -t tmpfs -o size=200k tmpfs "$1" && cp -r /tmp/small.$$/. "$1"; rm -rf /tmp/small.$$; cd "$1"';
	const follow = (step: string): string =>
		`for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do s=$(${shell} "$2" states | sed -n 's/^${step} //p'); case $s in *running) sleep 1 ;; *) break ;; esac; done; echo "${step}: $s"`;

	test('fails a step that can say no more, keeps the status of one that did well, and begins none; with room it goes on', () => {
		host = new HostProgram(
			(top) => [
				makeStep('talks', [
					`cat /dev/zero >'${top}/fill' 2>/dev/null || true`,
					'n=0; while [ $n -lt 9999 ]; do n=$((n + 1)); echo line $n; done',
				]),
				makeStep('silent', [`while [ ! -f '${top}/fill' ]; do sleep 0.1; done`, `while [ ! -f '${top}/go' ]; do sleep 0.1; done`]),
				makeStep('next', ['true']),
			],
			{ shell },
		);
		const said = mounted(
			shell,
			SMALL,
			[
				`${shell} "$2" start silent 1 >/dev/null; ${shell} "$2" start talks 1 >/dev/null`,
				follow('talks'),
				'cat /dev/zero >more 2>/dev/null; : >go',
				follow('silent'),
				`${shell} "$2" start next 1 >/dev/null 2>&1; echo "next: $?"`,
				'rm -f fill more go',
				`${shell} "$2" start next 1 >/dev/null`,
				follow('next'),
			].join('\n'),
		);
		expect(said.split('\n').filter((line) => /^(talks|silent|next):/.test(line))).toEqual([
			expect.stringMatching(/^talks: 1 failed \d+$/),
			'silent: 1 ok',
			'next: 1',
			'next: 1 ok',
		]);
	});
});

describe.skipIf(!canEnterTrees)('a disk that is full (needs mounts of its own)', () => {
	test("leaves the run's program whole when a copy from elsewhere cannot take its place", () => {
		host = new HostProgram((top) => [makeStep('one', [trace(top, 'one')])]);
		const said = mounted(
			'sh',
			'copy=/tmp/copy.$$; cp "$2" $copy; mount -t tmpfs -o size=100k tmpfs "$1" && mkdir -p "${2%/*}" && echo old >"$2"',
			'cat /dev/zero >"$1/fill" 2>/dev/null; sh $copy --yes >/dev/null 2>&1; cat "$2"; rm -f $copy',
		);
		expect(said).toBe('old\n');
	});
});

describe.skipIf(!canEnterTrees)('a disk that is read-only (needs mounts of its own)', () => {
	test('still tells what was done; nothing is begun on it, and why is said', async () => {
		host = new HostProgram((top) => [makeStep('one', [trace(top, 'one')]), makeStep('two', [trace(top, 'two')])]);
		host.call('start', 'one', '1');
		await until(() => host.state('one') === '1 ok');
		const said = mounted(
			'sh',
			'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"',
			'sh "$2" states; sh "$2" start two 1 2>&1; echo "status $?"; sh "$2" hold me 2>&1; echo "status $?"',
		);
		expect(said).toMatch(/^one 1 ok\ntwo 0 none\n/);
		expect(said).toMatch(/Read-only file system[\s\S]*status 1\n/);
		expect(host.traces()).toEqual(['one']);
	});
});

describe.skipIf(!canEnterTrees)('an attempt that nobody has taken (needs mounts of its own)', () => {
	test('is told as such where nobody can take it, within seconds, and is given up where somebody can', () => {
		host = new HostProgram((top) => [makeStep('one', [trace(top, 'one')])]);
		mkdirSync(host.path('one', '1'), { recursive: true });
		const begun = Date.now();
		const calls = SHELLS.flatMap((shell) =>
			['states', 'start one 1', 'start one 2', 'poll one 1 0'].map((verb) => `${shell} "$2" ${verb}`),
		);
		const lines = calls.map((call) => `(said=$(${call} 2>&1); echo "$said\nstatus $?") & `);
		const said = mounted('sh', 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"', `${lines.join('')}wait`);
		expect(Date.now() - begun).toBeLessThan(20_000);
		const told = said.match(/^bsdup: .*one\/1: whether it began cannot be told: .* is full, or cannot be written$/gm);
		expect([said, told?.length, said.match(/^status 143$/gm)?.length]).toEqual([said, calls.length, calls.length]);
		expect(host.traces()).toEqual([]);
		expect(host.state('one')).toBe('1 lost');
	});
});

describe('what was planted in the place of the run', () => {
	const driver = (): Driver => {
		const transport = localTransport({ become: 'none' });
		return new Driver(host.plan(), transport, new HostLink(transport, () => {}, 1_000));
	};
	const elsewhere = (): string => {
		const dir = mkdtempSync(join(tmpdir(), 'bsdup-elsewhere-'));
		rmSync(host.dir, { recursive: true });
		symlinkSync(dir, host.dir);
		return dir;
	};

	test('as a symbolic link is not followed: nothing is laid there, and the console refuses it too', async () => {
		host = new HostProgram(slow);
		const script = readFileSync(host.script);
		const dir = elsewhere();
		await expect(driver().install()).rejects.toMatchObject({
			code: 'E_HOST_PROGRAM',
			message: expect.stringContaining(`${host.dir} is not a directory but a link`) as string,
		});
		expect(readdirSync(dir)).toEqual([]);
		writeFileSync(join(host.top, 'copy.sh'), script);
		expect(host.callFile(join(host.top, 'copy.sh'), 'hold', 'me')).toMatchObject({ code: 1, stdout: '' });
		rmSync(dir, { recursive: true });
	});

	test.skipIf(!root)('by somebody else is refused with their number; what others could write to is closed (needs root)', async () => {
		host = new HostProgram(slow);
		chownSync(host.dir, 4711, 4711);
		await expect(driver().install()).rejects.toMatchObject({
			message: expect.stringMatching(/belongs to somebody else: .* 4711 /) as string,
		});
		chownSync(host.dir, 0, 0);
		spawnSync('chmod', ['777', host.dir, host.top]);
		await driver().install();
		expect([host.dir, host.top].map((dir) => statSync(dir).mode & 0o777)).toEqual([0o700, 0o755]);
	});
});

describe('where the one who calls comes from', () => {
	test('does not matter to a step: numbers and dates are those of C, and no start-up file or option comes along', async () => {
		host = new HostProgram(() => [
			makeStep('env', [
				'echo "$LC_ALL|$LC_NUMERIC|$LC_TIME|$LC_CTYPE|$ENV|$CDPATH|$TAR_OPTIONS|${TMPDIR-none}"',
				`awk 'BEGIN { printf "%.1f\\n", 1.5 }'`,
			]),
		]);
		vi.stubEnv('LC_ALL', 'de_DE.UTF-8');
		vi.stubEnv('CDPATH', '/');
		// Of these sh reads one where it is interactive only, a shell of old always.
		for (const name of ['ENV', 'BASH_ENV']) vi.stubEnv(name, join(host.top, 'no-such-file'));
		vi.stubEnv('TAR_OPTIONS', '--verbose');
		vi.stubEnv('TMPDIR', host.top);
		host.call('start', 'env', '1');
		await until(() => host.state('env') === '1 ok');
		expect(readFileSync(host.path('env', '1', 'log'), 'utf8')).toBe('|C|C|de_DE.UTF-8||||none\n1.5\n');
	});

	test("nor does their umask: a step lays things down as root does, the record of it is nobody else's", async () => {
		host = new HostProgram((top) => [makeStep('lays', [`mkdir '${top}/laid'`, `: >'${top}/laid/file'`])]);
		host.call('start', 'lays', '1');
		await until(() => host.state('lays') === '1 ok');
		const modes = (...paths: string[]): string[] => paths.map((path) => (statSync(path).mode & 0o777).toString(8));
		expect(modes(join(host.top, 'laid'), join(host.top, 'laid/file'))).toEqual(['755', '644']);
		const job = host.path('lays', '1');
		const kept = readdirSync(job).map((name) => join(job, name));
		expect(modes(host.path('lays'), job, ...kept).filter((mode) => !/^[67]00$/.test(mode))).toEqual([]);
	});

	test('does not make a job that runs a lost one: another time zone, a clock that was set', async () => {
		host = new HostProgram(slow);
		vi.stubEnv('TZ', 'JST-9');
		host.call('start', 'slow', '1');
		await until(() => host.traces().includes('began'));
		vi.stubEnv('TZ', 'EST5');
		expect(host.state('slow')).toBe('1 running');
		// Where starts are reckoned by the clock, setting it moves them.
		for (const prefix of ['', 'act.']) writeFileSync(host.path('slow', '1', `${prefix}start`), 'Mon Jan 1 00:00:00 2001\n');
		expect(host.state('slow')).toBe('1 running');
		expect(host.call('start', 'slow', '2').stderr).toContain('slow is still running');
		go();
		await until(() => host.state('slow') === '1 ok');
		expect(existsSync(host.path('slow', '2'))).toBe(false);
	});
});
