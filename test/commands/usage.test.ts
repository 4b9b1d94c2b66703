import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Config } from '@oclif/core';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../lab/root.ts';

const CLI = join(ROOT, 'dist/src/cli.js');
const bsdup = (...args: string[]) =>
	spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', env: { ...process.env, NODE_ENV: 'production' } });

describe.skipIf(!existsSync(CLI))('the arguments of a command (needs npm run build)', () => {
	test.each([
		[['upgrade', 'db1', '--to', '7.8', '--watchdog', 'x'], 'Expected an integer but received: x', 'bsdup upgrade --help'],
		[['cache', 'prune', '--bogus'], 'Nonexistent flag: --bogus', 'bsdup cache prune --help'],
		[['manifest', 'check'], 'Missing 1 required arg:', 'bsdup manifest check --help'],
		[['upgarde', 'db1'], 'command upgarde db1 not found', 'bsdup --help'],
	])('that it does not take end it with status 2, told to programs as every error is, in one line: %s', (args, says, next) => {
		expect(bsdup(...args).status).toBe(2);
		const { status, stdout, stderr } = bsdup(...args, '--json');
		expect(JSON.parse(stdout)).toEqual({
			error: { code: 'E_USAGE', message: expect.stringContaining(says), state: expect.any(String), next: [next] },
		});
		expect([status, stderr, stdout.trimEnd().includes('\n')]).toEqual([2, '', false]);
	});

	test.each([
		[['upgarde', 'db1'], 'upgarde db1', 'bsdup --help'],
		[['help', 'cache', 'prune'], 'help cache prune', 'bsdup cache prune --help'],
	])('that name no command end it with what to type: %s', (args, name, next) => {
		const { status, stdout, stderr } = bsdup(...args);
		expect([status, stdout]).toEqual([2, '']);
		expect(stderr).toBe(`bsdup: command ${name} not found\nCode:  E_USAGE\nState: Nothing was changed on the host.\nNext:  ${next}\n`);
	});

	test.each([['-h'], ['upgrade', 'db1', '-h']])('ask for help by -h too: %s', (...args) => {
		expect(bsdup(...args)).toMatchObject({ status: 0, stdout: expect.stringContaining('USAGE') });
	});

	test.each([
		[['--bandwidth', '0'], '"0" is no bandwidth', '--bandwidth 5M'],
		[['--bandwidth', '5m'], '"5m" is no bandwidth', '--bandwidth 5M'],
		[['--patience', '0'], '--patience "0" is no time like 30 (minutes), 90s or 2h', '--patience 30'],
	])('are refused before a host is asked, with what to write: %s', (args, says, next) => {
		for (const command of ['upgrade', 'resume']) {
			const { status, stderr } = bsdup(command, 'no-such-host', ...args);
			expect([status, stderr]).toEqual([2, `bsdup: ${says}\nCode:  E_USAGE\nState: Nothing was changed on the host.\nNext:  ${next}\n`]);
		}
	});

	test.each([
		[['plan', '--to', '7.8', '--no-backup', '--facts', 'my facts.json'], "bsdup facts HOST --json > 'my facts.json'"],
		[['restore', '/no such volumes', '--list'], "ls -l '/no such volumes'"],
	])('are told again as the shell takes them, in what comes next: %s', (args, next) => {
		expect(bsdup(...args).stderr).toContain(`Next:  ${next}\n`);
	});

	test.each(['backup', 'upgrade', 'plan', 'check'])('are told by %s --help, each with its value', (command) => {
		const [usage = ''] = /^USAGE\n[\s\S]*?\n\n/m.exec(bsdup(command, '--help').stdout) ?? [];
		expect(usage.replace(/\s+/g, ' ')).toContain('[--backup-here DIR | --backup-to DIR | --backup-device DISK]');
		expect(usage).not.toMatch(/\|\s*[\]|]/);
	});

	test.each([
		['--exclude', '*.core'],
		['--backup', '/etc'],
		['--site', 'site78.tgz'],
		['--site-sha256', 'f0'],
		['--mirror', '/srv/mirror'],
		['--health', 'true'],
	])('leave the host that stands behind %s to be the host, not this machine', (flag, value) => {
		const { status, stderr } = bsdup('plan', '--to', '7.8', flag, value, 'no host');
		expect([status, stderr]).toEqual([2, expect.stringContaining('"no host" is no host')]);
	});

	test('are what was typed, never what stands on standard input', async () => {
		const { commands } = await Config.load(ROOT);
		const loaded = await Promise.all(commands.map((command) => command.load()));
		const read = loaded.flatMap(({ id, args }) => Object.entries(args).flatMap(([name, arg]) => (arg.ignoreStdin ? [] : `${id} ${name}`)));
		expect(read).toEqual([]);
		expect(bsdup('facts').stderr).toContain('E_SYSTEM');
		expect(spawnSync(process.execPath, [CLI, 'facts'], { encoding: 'utf8', input: 'no host\n' }).stderr).toContain('E_SYSTEM');
	});

	test('that contradict each other are refused: --method and --manifest', () => {
		const { status, stderr } = bsdup('plan', 'no-such-host', '--to', '7.8', '--method', 'ramdisk', '--manifest', 'my.yaml');
		expect([status, stderr]).toEqual([2, expect.stringContaining('--manifest=my.yaml cannot also be provided when using --method')]);
	});

	test('are told where they are of no use: --os of facts without --script', () => {
		const { status, stderr } = bsdup('facts', 'no-such-host', '--os', 'Any');
		expect([status, stderr]).toEqual([2, expect.stringContaining('--script')]);
	});

	test.each(['/no/such/file', CLI])('that name no output of the script of facts are told as every error is: %s', (file) => {
		const { status, stderr } = bsdup('facts', '--from', file);
		expect([status, stderr]).toEqual([
			2,
			expect.stringMatching(/^bsdup: .*\nCode: {2}E_USAGE\nState: .*\nNext: {2}bsdup facts --os NAME --script /),
		]);
	});

	test.each(['--backup-to=/mnt', '--backup-device=sd1'])('that contradict each other are refused: --backup-here and %s', (other) => {
		const { status, stderr } = bsdup('backup', 'db1', '--backup-here', '/tmp', other);
		expect([status, stderr]).toEqual([2, expect.stringContaining('cannot also be provided when using --backup-here')]);
	});
});
