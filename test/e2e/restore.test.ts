import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GNU_TAR, type Made, makeBackup, makeTree, noise, portrait } from '../backup/volumes.ts';
import { haveSshd, type Sshd, startSshd } from '../contract/sshd.ts';
import { LAB } from '../lab/ability.ts';
import { PracticeHost } from '../lab/practice-host.ts';
import { ROOT } from '../lab/root.ts';
import { talk } from '../lab/terminal.ts';

const CLI = join(ROOT, 'dist/src/cli.js');

interface Ended {
	code: number | null;
	stdout: string;
	stderr: string;
}

describe.skipIf(GNU_TAR === null)('bsdup restore (needs GNU tar)', () => {
	let top: string;
	let out: string;
	let original: string[];
	const made = new Map<string, Made>();
	beforeAll(() => {
		top = mkdtempSync(join(tmpdir(), 'bsdup-e2e-restore-'));
		makeTree(top);
		for (const kind of ['gnu-multivolume', 'split'] as const) made.set(kind, makeBackup(top, join(top, kind), kind));
		original = portrait(top);
	});
	afterAll(() => rmSync(top, { recursive: true, force: true, maxRetries: 20 }));
	beforeEach(() => {
		out = join(mkdtempSync(join(top, 'to-')), 'out');
	});
	const dirOf = (kind: string): string => made.get(kind)?.dir ?? '';

	/** Runs `bsdup restore ARGS`; `env` adds to the environment, `onStart` gets the process. */
	function bsdup(
		args: readonly string[],
		env: Record<string, string> = {},
		onStart: (child: ChildProcess) => void = () => {},
	): Promise<Ended> {
		const child = spawn(process.execPath, [CLI, 'restore', ...args], {
			env: { ...process.env, ...env },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		onStart(child);
		let stdout = '';
		let stderr = '';
		child.stdout.setEncoding('utf8').on('data', (text: string) => {
			stdout += text;
		});
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			stderr += text;
		});
		return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
	}

	describe.skipIf(!haveSshd)('over SSH (needs sshd)', () => {
		let sshd: Sshd;
		let reach: string[];
		beforeAll(async () => {
			sshd = await startSshd();
			reach = [
				'--host',
				`${sshd.user}@127.0.0.1:${sshd.port}`,
				'--identity',
				sshd.identity,
				'--known-hosts',
				sshd.knownHosts,
				'--ssh-config',
				'/dev/null',
			];
		});
		afterAll(() => sshd?.stop());

		test.each(['gnu-multivolume', 'split'])('restores %s volumes that lie on the host, and lists them', async (kind) => {
			const done = await bsdup([dirOf(kind), ...reach, '--to', out]);
			expect(done).toMatchObject({ code: 0, stderr: '' });
			expect(portrait(out)).toEqual(original);
			const listed = await bsdup([dirOf(kind), '/data/many/7', ...reach, '--list']);
			expect(listed.stdout.trim().split('\n')).toHaveLength(2);
		});

		test.each(['gnu-multivolume', 'split'])('sends %s volumes that lie here', async (kind) => {
			const done = await bsdup([dirOf(kind), '--send', ...reach, '--to', out]);
			expect(done).toMatchObject({ code: 0, stderr: '' });
			expect(done.stdout).not.toMatch(/restore\| *$/m);
			expect(portrait(out)).toEqual(original);
		});

		test('goes on when the connection was lost while it sent', async () => {
			const [first] = await Promise.all([
				bsdup([dirOf('split'), '--send', ...reach, '--to', out], {}, (child) => {
					child.stdout?.on('data', (text: string) => {
						if (text.includes('running  restore')) void sshd.restart(true);
					});
				}),
			]);
			if (first.code !== 0) expect(first.stderr).toMatch(/E_CONNECTION_LOST\n.*\nNext: .*the same command again/);
			for (let tries = 0; tries < 20; tries++) {
				const again = await bsdup([dirOf('split'), '--send', ...reach, '--to', out]);
				if (again.code === 0 || again.stderr.includes('is not empty')) break;
			}
			expect(portrait(out)).toEqual(original);
		});
	});

	test('comes through 20 kills -9 at random moments, of bsdup, of tar, of both, and is the same', async () => {
		const bin = join(top, 'bin');
		mkdirSync(bin);
		// A GNU tar that kills, at a record of its own: independent of how fast this machine is.
		writeFileSync(
			join(bin, 'gtar'),
			[
				'#!/bin/sh',
				'case $1 in --version) exec tar --version ;; esac',
				`read -r at whom bsdup <${bin}/plan`,
				'for word; do shift; case $word in --checkpoint=*) ;; *) set -- "$@" "$word" ;; esac; done',
				`exec tar --checkpoint=$at --checkpoint-action='exec=sh ${bin}/kill.sh' "$@"`,
				'',
			].join('\n'),
		);
		writeFileSync(
			join(bin, 'kill.sh'),
			[
				`read -r at whom bsdup <${bin}/plan; s=${out}/.bsdup-restore`,
				'case $whom in *bsdup*) kill -9 "$bsdup" ;; esac',
				'case $whom in *tar*) kill -9 "$(cat $s/job.pid)" "$(cat $s/act.pid)" ;; esac',
				'',
			].join('\n'),
		);
		chmodSync(join(bin, 'gtar'), 0o755);
		const env = { PATH: `${bin}${delimiter}${process.env['PATH']}` };
		const dice = noise('kills', 100);
		let kills = 0;
		/** One run, killed at some record as long as `most` kills are not through; whether it came to its end. */
		const whole = async (kind: string, most: number): Promise<boolean> => {
			const [record = 0, who = 0] = [dice[kills * 2], dice[kills * 2 + 1]];
			const at = kills < most ? 1 + (record % 60) : 1_000_000;
			const whom = ['bsdup', 'tar', 'bsdup-tar'][who % 3];
			const { code } = await bsdup([dirOf(kind), '--to', out], env, (child) =>
				writeFileSync(join(bin, 'plan'), `${at} ${whom} ${child.pid}\n`),
			);
			return code === 0;
		};
		for (const [kind, most] of [
			['gnu-multivolume', 10],
			['split', 20],
		] as const)
			while (kills < most) {
				while (!(await whole(kind, most))) kills++;
				expect(portrait(out)).toEqual(original);
				rmSync(out, { recursive: true });
			}
	});

	test('tells at its end what it restored, the whole or single paths', async () => {
		const some = await bsdup([dirOf('split'), '/data/many/7', '--to', out]);
		expect(some.stdout).toMatch(/^\/data\/many\/7 of bsdup-20261125-db1 is in \S+ on this machine\.$/m);
		rmSync(out, { recursive: true });
		expect((await bsdup([dirOf('split'), '/', '--to', out])).stdout).toMatch(
			/^bsdup-20261125-db1 \(.* members\) is in \S+ on this machine\.$/m,
		);
	});

	test('leaves a state at Ctrl-C from which the same command goes on', async () => {
		const bin = join(top, 'slow');
		mkdirSync(bin);
		writeFileSync(
			join(bin, 'gtar'),
			`#!/bin/sh\ncase $1 in --version) exec tar --version ;; esac\n: >${bin}/begun\nwhile :; do sleep 1; done\n`,
		);
		chmodSync(join(bin, 'gtar'), 0o755);
		const env = { PATH: `${bin}${delimiter}${process.env['PATH']}` };
		const stopped = await bsdup([dirOf('split'), '--to', out], env, (child) => {
			const wait = setInterval(() => {
				if (!existsSync(join(bin, 'begun'))) return;
				clearInterval(wait);
				child.kill('SIGINT');
			}, 20);
		});
		expect(stopped.code).toBe(130);
		expect(stopped.stderr).toMatch(/interrupted\n.*\nState: Part of the backup is in .*\nNext: {2}the same command again goes on/);
		expect(spawnSync('pgrep', ['-f', out]).status).toBe(1);
		expect((await bsdup([dirOf('split'), '--to', out])).code).toBe(0);
		expect(portrait(out)).toEqual(original);
	});

	const own = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
	test.skipIf(!own).each([
		['full', 'size=300k', 'is full', 'E_RESTORE'],
		['read-only', 'ro', 'cannot be written', 'E_RESTORE_TARGET'],
	])('says that the target is %s (needs root: a mount of its own)', async (_what, option, says, code) => {
		mkdirSync(out);
		const line = `mount -t tmpfs -o ${option} tmpfs ${out} && ${process.execPath} ${CLI} restore ${dirOf('gnu-multivolume')} --to ${out}`;
		const { status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', line], { encoding: 'utf8' });
		expect(stderr).toContain(says);
		expect(stderr).toContain(`Code:  ${code}\n`);
		expect(status).toBe(code === 'E_RESTORE' ? 1 : 2);
	});

	test.skipIf(process.getuid?.() !== 0)(
		'asks at a terminal before / is written over, and without one wants --yes (needs root, who could)',
		async () => {
			const without = await bsdup([dirOf('split'), '--to', '/']);
			expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('E_NO_TERMINAL') });
			const said = await talk([process.execPath, CLI, 'restore', dirOf('split'), '--to', '/'], [['Type yes:', 'no']]);
			expect(said).toMatchObject({
				unasked: [],
				shown: expect.stringMatching(/over what is at \/ on this machine[\s\S]*E_RESTORE_UNCONFIRMED/),
			});
			expect(existsSync('/data/setuid')).toBe(false);
		},
	);

	test.each([
		[[], /bsdup restore|required arg/],
		[['/tmp'], /restore whereto\?/],
		[['/tmp', '--list', '--to', '/x'], /cannot also be provided/],
		[['/tmp', '--send', '--to', '/x'], /--host/],
	])('calls %j a mistake in usage', async (args, says) => {
		const { code, stderr } = await bsdup(args);
		expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(says) });
	});

	test.skipIf(LAB === null)(
		'restores in place on a practice host, from its own disk, with its own few programs (needs a practice host)',
		async () => {
			const host = await PracticeHost.create({ release: '7.7', mirror: 'http://127.0.0.1:9' });
			try {
				await host.powerOn();
				await host.inside(
					'mkdir /backup; cd / && gtar -cM -L 100 -F "exit 1" -f /backup/home.1 home etc/hostname.em0 2>/dev/null || gtar -cf /backup/home.1 home',
				);
				const before = (await host.inside('cat /home/admin/notes')).output;
				expect(before).not.toBe('');
				await host.inside('rm /home/admin/notes');
				const flags = ['--host', host.ssh.spec, ...host.flags];
				const done = await bsdup(['/backup', ...flags, '--to', '/', '--yes']);
				expect(done).toMatchObject({ code: 0, stderr: '' });
				expect((await host.inside('cat /home/admin/notes; ls -a / | grep bsdup-restore')).output).toBe(before);
				expect(await bsdup(['/backup', 'home/admin', ...flags, '--to', '/home/again'])).toMatchObject({ code: 0, stderr: '' });
				expect((await host.inside('cat /home/again/home/admin/notes')).output).toBe(before);
				expect(readFileSync(join(top, 'data/setuid'), 'utf8')).toBe('s');
			} finally {
				await host.destroy();
			}
		},
	);
});
