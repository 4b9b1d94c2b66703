import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';
import type { Manifest } from '../../src/manifest/schema.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { consoleBy, signIn } from '../../src/run/console.ts';
import { ROOT } from '../lab/root.ts';
import { inPlace } from '../plan/make.ts';

const sets = await loadManifest(join(ROOT, 'manifests/freebsd/sets.yaml'));
const environment = await loadManifest(join(ROOT, 'manifests/freebsd/boot-environment.yaml'));

describe('the console', () => {
	test('is shown by its last 20 lines, without escape sequences, binary or empty lines', async () => {
		const lines = await consoleBy("seq 1 30; printf '\\033[2J\\033]0;x\\007\\377\\000b\\001oot> \\r\\n\\n'")();
		expect(lines).toEqual([...Array.from({ length: 19 }, (_, index) => String(index + 12)), '\ufffdboot> ']);
	});

	test('of a command that never ends, or tells 200 MB, is what came in 10 seconds, in little memory', async () => {
		const before = process.memoryUsage().rss;
		const [flood, still] = await Promise.all([
			consoleBy("head -c 200000000 /dev/zero | tr '\\0' 'x'; echo; echo last")(),
			consoleBy('echo first; exec sleep 1000')(),
		]);
		expect(flood.at(-1)).toBe('last');
		expect(still).toEqual(['first']);
		expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
	});

	test.each([
		['cannot be started', '/no/such/program', /^its console could not be asked: status 127: .*\/no\/such\/program/],
		['fails', "echo 'no route' >&2; exit 3", /^its console could not be asked: status 3: no route$/],
	])('whose command %s says so', async (_what, command, says) => {
		expect(await consoleBy(command)()).toEqual([expect.stringMatching(says)]);
	});
});

describe('a sign on the console', () => {
	const by = ({ consoleSigns }: Manifest): ((...lines: string[]) => string | undefined) => {
		const plan = { consoleSigns } as Plan;
		return (...lines) => signIn(lines, plan)?.says;
	};
	const says = by(inPlace);
	test.each([
		[
			'the installer',
			['Welcome to the OpenBSD/amd64 7.8 installation program.', '(I)nstall, (U)pgrade, (A)utoinstall or (S)hell? '],
			'install kernel',
		],
		['the installer of old', ['(I)nstall, (U)pgrade or (S)hell? '], 'install kernel'],
		['the loader', ['booting hd0a:/bsd: open hd0a:/bsd: No such file or directory', ' failed(2). will try /bsd', 'boot>'], 'loader'],
		['a panic', ['panic: init died (signal 12, exit 0)', 'Stopped at', 'ddb{0}> '], 'panic'],
		['single user mode', ['Enter pathname of shell or RETURN for sh: '], 'single user'],
		['a login', ['OpenBSD/amd64 (db1) (ttyC0)', '', 'login: '], 'not reached from here'],
	])('tells %s', (_what, lines, word) => expect(says(...lines)).toContain(word));

	test.each([
		['the loader', ["can't load 'kernel'", '', "Type '?' for a list of commands, 'help' for more detailed help.", 'OK '], 'loader'],
		['a loader that just asks', ['OK'], 'loader'],
		['a kernel without its root', ['Mounting from zfs:zroot/ROOT/15.0 failed with error 2.'], 'no root file system'],
		['its question', ['List valid disk boot devices', '', 'mountroot> '], 'no root file system'],
		['a panic', ['panic: no init', 'cpuid = 0', 'KDB: enter: panic', '[ thread pid 1 tid 100002 ]'], 'panic'],
		['the debugger', ['Stopped at      kdb_enter+0x32: movq', 'db> '], 'panic'],
		['single user mode', ['Enter full pathname of shell or RETURN for /bin/sh: '], 'single user'],
		['a login', ['FreeBSD/amd64 (db1) (ttyu0)', '', 'login: '], 'not reached from here'],
	])('of FreeBSD tells %s', (_what, lines, word) => expect(by(environment)(...lines)).toContain(word));

	test.each([['OKAY'], ['look at db> later'], ['Boot Once: OK to go'], ['a panic: no']])('of FreeBSD is none in: %s', (line) =>
		expect(by(environment)(line)).toBeUndefined(),
	);

	test.each([
		[
			'single user mode',
			'Enter full pathname of shell or RETURN for /bin/sh: ',
			/^at its console: fsck -y, then exit; .* world .* third way/,
		],
		['a kernel without its root', 'mountroot> ', /^press reset: .*mountroot> prompt/],
	])('of FreeBSD by sets tells what to do in %s, and unpacks no world before its kernel is there for good', (_what, line, next) =>
		expect(signIn([line], { consoleSigns: sets.consoleSigns } as Plan)?.next).toMatch(next),
	);

	test('counts only where it is the last one', () => {
		expect(says('panic: trap', '>> OpenBSD/amd64 BOOT 3.67', 'login: ')).toContain('asks for a login');
		expect(says('login: ', 'syncing disks... done')).toContain('asks for a login');
		expect(says('syncing disks... done')).toBeUndefined();
		expect(signIn(['login:'], {} as Plan)).toBeUndefined();
	});
});
