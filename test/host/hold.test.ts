import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Step } from '../../src/plan/plan.ts';
import { HostLink } from '../../src/run/host-link.ts';
import { HostProgram as Driver } from '../../src/run/host-program.ts';
import { localTransport } from '../../src/transport/local.ts';
import { HostProgram, makeStep, SHELLS, trace, until } from './host-program.ts';

let host: HostProgram;
const others: HostProgram[] = [];
afterEach(() => {
	vi.unstubAllEnvs();
	for (const one of [...others.splice(0), host]) one.remove();
});
const root = process.getuid?.() === 0;
const A = 'ann@desk, process 7, since 2026-11-25T02:00:00Z';
const B = 'bob@lap, process 8, since 2026-11-25T03:00:00Z';
const C = 'cat@lap, process 9, since 2026-11-25T04:00:00Z';
const one = (top: string): Step[] => [makeStep('one', [trace(top, 'one'), `while [ ! -f '${top}/go' ]; do sleep 0.1; done`])];
const carrier = (): string => {
	const links = readdirSync(host.dir).filter((name) => /^holder\.\d+$/.test(name));
	return readlinkSync(join(host.dir, `holder.${links.length}`));
};

describe.each(SHELLS)('a run that is carried, in %s', (shell) => {
	test('has one carrier; the second is told who and since when, and takes over only from whom it knows to be gone', () => {
		host = new HostProgram(one, { shell });
		expect(host.call('hold', A)).toMatchObject({ code: 0, stdout: '' });
		expect(host.call('hold', B)).toMatchObject({ code: 74, stdout: A });
		expect(host.call('hold', B, C)).toMatchObject({ code: 74, stdout: A });
		expect(carrier()).toBe(A);
		expect(host.call('hold', B, A)).toMatchObject({ code: 0, stdout: '' });
		expect(carrier()).toBe(B);
		expect(host.call('hold', C, A)).toMatchObject({ code: 74, stdout: B });
		host.call('leave', A);
		expect(carrier()).toBe(B);
		host.call('leave', B);
		expect(host.call('hold', C).code).toBe(0);
	});

	test('is taken by one of several who come at once, anew and from one who is gone', async () => {
		host = new HostProgram(one, { shell });
		const all = async (gone: string[]): Promise<number[]> => {
			const came = ['x', 'y', 'z', 'v', 'w'].map((who) => host.launch('hold', `${who} ${gone.length}`, ...gone));
			return (await Promise.all(came.map(({ ended }) => ended))).map(Number).sort();
		};
		expect(await all([])).toEqual([0, 74, 74, 74, 74]);
		const first = carrier();
		expect(await all([first])).toEqual([0, 74, 74, 74, 74]);
		expect(carrier()).not.toBe(first);
	});
});

test.each(SHELLS)('a carrier is told by its name as it is, whatever echo makes of it, in %s', (shell) => {
	host = new HostProgram(one, { shell });
	const [first, second] = ['ann\\tdesk\\c, process 7', 'ann\\ndesk, process 8'] as const;
	expect(host.call('hold', first).code).toBe(0);
	expect(host.call('hold', B)).toMatchObject({ code: 74, stdout: first });
	expect(host.call('hold', second, first).code).toBe(0);
	expect(host.call('hold', B)).toMatchObject({ code: 74, stdout: second });
});

describe('a host', () => {
	test('is taken from a run that is not there any more, and from no other', () => {
		host = new HostProgram(one);
		const second = new HostProgram(one, { top: host.top, run: 'run-second' });
		others.push(second);
		second.call('hold', B);
		expect(host.call('hold', A)).toMatchObject({ code: 75, stdout: `run-second ${B}` });
		rmSync(second.dir, { recursive: true });
		host.lay();
		expect(host.call('hold', A).code).toBe(0);
		expect(readlinkSync(join(host.top, 'lock'))).toBe(`held-by:run-t${process.pid}`);
	});

	test.each([['hold'], ['turn']])('keeps nothing of a run that was refused it, asked by %s, and all of one that had it', (verb) => {
		host = new HostProgram(one);
		const second = new HostProgram(one, { top: host.top, run: 'run-second' });
		others.push(second);
		second.call('hold', B);
		expect(host.call(verb, A)).toMatchObject({ code: 75, stdout: `run-second ${B}` });
		expect(existsSync(host.dir)).toBe(false);
		second.call('release');
		host.lay();
		expect(host.call('hold', A).code).toBe(0);
		host.call('release');
		second.call('hold', C);
		expect(host.call(verb, A)).toMatchObject({ code: 75, stdout: `run-second ${C}` });
		expect(existsSync(host.script)).toBe(true);
	});

	test('that a run left is taken by one of two who come at the same instant, and never from that one', () => {
		host = new HostProgram(one);
		const second = new HostProgram(one, { top: host.top, run: 'run-second' });
		others.push(second);
		symlinkSync('held-by:run-gone', join(host.top, 'lock'));
		// Right before the second becomes the heir of what it found, the first comes, and goes through.
		const first = `[ -f "$dir/came" ] || { : >"$dir/came"; sh '${host.script}' hold ann; }`;
		const text = readFileSync(second.script, 'utf8').replace(
			/^verb=[\s\S]*/m,
			`ln() { case $3 in *.of-*) ${first} ;; esac; command ln "$@"; }\nhold bob\n`,
		);
		const file = join(host.top, 'second');
		writeFileSync(file, text);
		expect(second.callFile(file)).toMatchObject({ code: 75, stdout: `run-t${process.pid} ann` });
		expect(readdirSync(host.top).filter((name) => name.startsWith('lock'))).toEqual(['lock']);
		expect(readlinkSync(join(host.top, 'lock'))).toBe(`held-by:run-t${process.pid}`);
	});

	test.skipIf(!root)(
		'whose walk at the console lives is given to nobody, and to the next when the walk was killed (needs root)',
		async () => {
			host = new HostProgram(one);
			// Starts are told in one form, wherever the two who look live.
			vi.stubEnv('TZ', 'JST-9');
			const walk = host.launch();
			await until(() => host.traces().includes('one'));
			vi.stubEnv('TZ', 'EST5');
			expect(host.call('hold', A)).toMatchObject({
				code: 74,
				stdout: expect.stringMatching(/^the console, process \d+, since 20/) as string,
			});
			expect(host.call()).toMatchObject({ code: 1, stderr: expect.stringContaining('this run is carried by the console') as string });
			// Where starts are reckoned by the clock, setting it moves them.
			writeFileSync(join(host.dir, 'console.start'), 'Mon Jan 1 00:00:00 2001\n');
			expect(host.call('hold', A).code).toBe(74);
			process.kill(walk.pid, 'SIGKILL');
			await walk.ended;
			// The next may have its number, and its words.
			const next = `echo $$ >"$1/console.pid"; echo sh >"$1/console.words"; exec sh "$1/resume.sh" hold "$2"`;
			expect(spawnSync('sh', ['-c', next, 'sh', host.dir, A]).status).toBe(0);
			expect(host.state('one')).toBe('1 running');
			expect(existsSync(host.path('one', '2'))).toBe(false);
		},
	);

	test('is refused to a bsdup while another carries the run, unless its journal or the person knows that one to be gone', async () => {
		host = new HostProgram(one);
		const transport = localTransport({ become: 'none' });
		const driver = new Driver(host.plan(), transport, new HostLink(transport, () => {}, 1_000));
		host.call('hold', A);
		await expect(driver.hold({ who: B, gone: [C], takeOver: false })).rejects.toMatchObject({
			code: 'E_RUN_CARRIED',
			message: expect.stringContaining(`is carried by ${A}`) as string,
			next: expect.arrayContaining([expect.stringContaining('--take-over')]),
		});
		await driver.hold({ who: B, gone: [A], takeOver: false });
		expect(carrier()).toBe(B);
		await driver.hold({ who: C, gone: [], takeOver: true });
		expect(carrier()).toBe(C);
	});
});
