import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2, { type ClientChannel } from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sshTransport } from '../../src/transport/ssh.ts';
import type { RunResult, Transport } from '../../src/transport/transport.ts';
import { whyNot } from './ability.ts';
import { PracticeHost } from './practice-host.ts';

/** What the upgrade needs of the host's sshd. The stand-in must do it as OpenSSH's own does. */
const SERVERS = [
	["OpenSSH's sshd (needs root)", 'root'],
	["ssh2's server, in the place of sshd (needs user namespaces)", 'namespace'],
] as const;
/** Newer than any kernel of the lab. */
const TOO_NEW = 9999;

for (const [server, kind] of SERVERS)
	describe.skipIf(whyNot(kind) !== null)(server, () => {
		let host: PracticeHost;
		beforeAll(async () => {
			host = await PracticeHost.create({ release: '7.7', mirror: 'http://127.0.0.1:1', kind });
			await host.powerOn();
		});
		afterAll(() => host?.destroy());

		const transport = (identity = host.ssh.identity): Transport =>
			sshTransport({ host: host.ssh.spec, become: 'none', identity, knownHostsFile: host.ssh.knownHosts });

		async function connected<T>(use: (on: Transport) => Promise<T>): Promise<T> {
			const on = transport();
			await on.connect();
			try {
				return await use(on);
			} finally {
				await on.close();
			}
		}

		/** Makes base programs of another level. */
		const relevel = async (level: number, ...programs: string[]): Promise<void> => {
			for (const file of programs)
				await host.inside(`sed 's/^\\(# base [a-z]*\\) .*/\\1 ${level}/' ${file} >/root/new && cat /root/new >${file}`);
		};

		test('lets in who has the key, and nobody else', async () => {
			expect(await connected((on) => on.run('id -u; pwd; echo $HOME'))).toMatchObject({ code: 0, stdout: '0\n/root\n/root\n' });
			execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(host.dir, 'stranger')]);
			await expect(transport(join(host.dir, 'stranger')).connect()).rejects.toMatchObject({ code: 'E_AUTH' });
		});

		test('runs commands by the shell of the tree, several at once, each with its own output, status or signal', async () => {
			const results = await connected((on) =>
				Promise.all([
					on.run('echo out; echo err >&2; exit 7'),
					on.run('kill -TERM $$'),
					on.run('head -c 3000000 /usr/share/misc/bulk /usr/share/misc/bulk'),
				]),
			);
			expect(results[0]).toMatchObject({ code: 7, stdout: 'out\n', stderr: 'err\n' });
			expect(results[1]).toMatchObject({ code: null, signal: 'SIGTERM' });
			expect(results[2]?.stdout.length).toBeGreaterThan(5_900_000);
			expect(host.processLog().some((line) => line.includes('/bin/ksh -c exec sh'))).toBe(true);
		});

		test('gives a terminal of the size asked for, which takes what is typed', async () => {
			const said = await onTerminal(host, "tty; stty size; read word; echo 'heard' $word; exit 3", 'abc\r');
			expect(said.output).toMatch(/^\/dev\/pts\/\d+\r\n33 101\r\nabc\r\nheard abc\r\n$/);
			expect(said.code).toBe(3);
		});

		test('of a base newer than the kernel lets nobody in, while what is open goes on and the listener survives', async () => {
			await connected(async (on) => {
				const line = 'echo begun; while [ ! -e /lab/run/go ]; do :; done; echo still here; ls; echo $?';
				let open: Promise<RunResult> | undefined;
				await new Promise<void>((begun) => {
					open = on.run(line, { onStdout: () => begun() });
				});
				await relevel(TOO_NEW, '/usr/sbin/sshd', '/bin/ls', '/bin/ksh');
				await expect(transport().connect()).rejects.toMatchObject({ code: 'E_CONNECT' });
				const fresh = await on.run('echo never');
				expect(`${fresh.code} ${fresh.signal} ${fresh.stdout}`).toMatch(/^(159 null|null SIG\S+@openssh.com) $/);
				writeFileSync(join(host.dir, 'lab/run/go'), '');
				expect((await open)?.stdout).toBe('begun\nstill here\n159\n');
			});
			await relevel(7700, '/usr/sbin/sshd', '/bin/ls', '/bin/ksh');
			expect(await connected((on) => on.run('echo back'))).toMatchObject({ code: 0, stdout: 'back\n' });
		});
	});

/** Runs a line on a terminal of 33 rows and 101 columns, with something typed. */
async function onTerminal(host: PracticeHost, line: string, typed: string): Promise<{ code: number; output: string }> {
	const client = new ssh2.Client();
	const { port, identity } = host.ssh;
	client.connect({ host: '127.0.0.1', port, username: 'root', privateKey: readFileSync(identity) });
	await new Promise<void>((resolve, reject) => {
		client.once('ready', resolve);
		client.once('error', reject);
	});
	try {
		const channel = await new Promise<ClientChannel>((resolve, reject) =>
			client.exec(line, { pty: { rows: 33, cols: 101, term: 'vt220' } }, (error, made) =>
				error === undefined ? resolve(made) : reject(error),
			),
		);
		let output = '';
		channel.setEncoding('utf8').on('data', (text: string) => {
			// Typed only when the line asks, or the echo comes before what the line says.
			if (output.length < 20 && (output + text).includes('101')) channel.write(typed);
			output += text;
		});
		const exit = new Promise<number>((resolve) => channel.once('exit', resolve));
		await new Promise((resolve) => channel.once('close', resolve));
		return { code: await exit, output };
	} finally {
		client.end();
	}
}
