import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import { consoleBy, signIn } from '../../src/run/console.ts';
import { inPlace } from '../plan/make.ts';

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
	const plan = { consoleSigns: inPlace.consoleSigns } as Plan;
	const says = (...lines: string[]): string | undefined => signIn(lines, plan)?.says;
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

	test('counts only where it is the last one', () => {
		expect(says('panic: trap', '>> OpenBSD/amd64 BOOT 3.67', 'login: ')).toContain('asks for a login');
		expect(says('login: ', 'syncing disks... done')).toContain('asks for a login');
		expect(says('syncing disks... done')).toBeUndefined();
		expect(signIn(['login:'], {} as Plan)).toBeUndefined();
	});
});
