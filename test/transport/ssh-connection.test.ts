import dns from 'node:dns';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type SshSpec, sshTransport } from '../../src/transport/ssh.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { haveSshd, type Sshd, startSshd } from '../contract/sshd.ts';
import { canBeLate, listenLate } from '../lab/late-listener.ts';
import { freePort } from '../lab/practice-host.ts';
import { stretchWire } from '../lab/tcp-proxy.ts';

describe.skipIf(!haveSshd)('a connection (needs sshd)', () => {
	let dir: string;
	const servers: Sshd[] = [];
	const open: Transport[] = [];
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), 'bsdup-connection-'));
	});
	afterEach(async () => {
		for (const host of open.splice(0)) await host.close();
		for (const sshd of servers.splice(0)) await sshd.stop();
		rmSync(dir, { recursive: true, force: true });
	});
	const server = async (extra: readonly string[] = [], hostKey?: string): Promise<Sshd> => {
		const sshd = await startSshd(extra, hostKey);
		servers.push(sshd);
		return sshd;
	};
	/** A transport to `sshd` whose ssh_config has `lines`. */
	const host = (sshd: Sshd, lines: readonly string[] = [], spec: Partial<SshSpec> = {}): Transport => {
		const configFile = join(dir, 'config');
		writeFileSync(configFile, `${['IdentityAgent none', ...lines].join('\n')}\n`);
		const transport = sshTransport({
			host: `${sshd.user}@127.0.0.1:${sshd.port}`,
			become: 'none',
			identity: sshd.identity,
			knownHostsFile: sshd.knownHosts,
			configFile,
			...spec,
		});
		open.push(transport);
		return transport;
	};

	describe('that breaks', () => {
		test('ends what waits on it with E_CONNECTION_LOST and how to go on, a run or not; then connect() makes another', async () => {
			const sshd = await server();
			const transport = host(sshd);
			await transport.connect();
			const running = transport.run('sleep 20');
			const next = [expect.stringMatching(/bsdup resume.+the same command again/)];
			const lost = expect(running).rejects.toMatchObject({ code: 'E_CONNECTION_LOST', next });
			await sleep(300);
			await sshd.restart(true);
			await lost;
			await expect(transport.run('echo x')).rejects.toMatchObject({ code: 'E_CONNECTION_LOST' });
			await transport.connect();
			expect((await transport.run('echo back')).stdout).toBe('back\n');
		});

		test('in the middle of a file is E_CONNECTION_LOST, and the file has not got its name', async () => {
			const sshd = await server();
			const transport = host(sshd);
			await transport.connect();
			writeFileSync(join(dir, 'big'), Buffer.alloc(200_000_000));
			const pushed = transport.push(join(dir, 'big'), join(dir, 'there'), { mode: 0o600, sha256: 'x' });
			const lost = expect(pushed).rejects.toMatchObject({ code: 'E_CONNECTION_LOST' });
			await sleep(200);
			await sshd.restart(false);
			await lost;
			expect(() => readFileSync(join(dir, 'there'))).toThrow('ENOENT');
		});

		test('without a word is found out by unanswered keepalives', async () => {
			const sshd = await server();
			const wire = await stretchWire(() => sshd.port);
			writeFileSync(sshd.knownHosts, sshd.known.replace(String(sshd.port), String(wire.port)));
			const transport = host(sshd, ['ServerAliveInterval 1', 'ServerAliveCountMax 2'], { host: `${sshd.user}@127.0.0.1:${wire.port}` });
			await transport.connect();
			const running = transport.run('sleep 20');
			const lost = expect(running).rejects.toMatchObject({ code: 'E_CONNECTION_LOST' });
			await sleep(200);
			wire.cut();
			const begin = Date.now();
			await lost;
			expect(Date.now() - begin).toBeGreaterThan(1_500);
			expect(Date.now() - begin).toBeLessThan(5_000);
			wire.mend();
			await transport.connect();
			expect((await transport.run('echo back')).stdout).toBe('back\n');
			wire.close();
		});

		test('is replaced once by all who ask for it at the same time, and the new one is kept', async () => {
			const sshd = await server();
			const transport = host(sshd);
			await transport.connect();
			await sshd.restart(true);
			await expect(transport.run('echo x')).rejects.toMatchObject({ code: 'E_CONNECTION_LOST' });
			const before = logins(sshd);
			await Promise.all([transport.connect(), transport.connect()]);
			const running = transport.run('sleep 0.5; echo on');
			await transport.connect();
			expect((await running).stdout).toBe('on\n');
			expect(logins(sshd) - before).toBe(1);
		});

		test('is replaced after a command got no answer in its time', async () => {
			const sshd = await server();
			const transport = host(sshd);
			await transport.connect();
			await expect(transport.run('sleep 5', { timeoutMs: 100 })).rejects.toMatchObject({ code: 'E_TIMEOUT' });
			await transport.connect();
			expect(logins(sshd)).toBe(2);
		});
	});

	describe('that does not come about', () => {
		test('is E_CONNECT where nobody listens', async () => {
			const sshd = await server();
			const port = await freePort();
			await expect(host(sshd, [], { host: `127.0.0.1:${port}` }).connect()).rejects.toMatchObject({
				code: 'E_CONNECT',
				message: expect.stringContaining('ECONNREFUSED'),
			});
		});

		test('says that a ProxyCommand of ssh_config is not followed', async () => {
			const sshd = await server();
			const port = await freePort();
			const connecting = host(sshd, ['ProxyCommand nc %h %p'], { host: `127.0.0.1:${port}` }).connect();
			await expect(connecting).rejects.toMatchObject({
				code: 'E_CONNECT',
				next: expect.arrayContaining(['ssh_config has a ProxyCommand for 127.0.0.1; bsdup follows ProxyJump only']),
			});
		});

		test('says why of each address, where the name has several', async () => {
			const sshd = await server();
			const port = await freePort();
			const all = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
			vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, done: (error: null, found: object) => void) =>
				done(null, all)) as unknown as typeof dns.lookup);
			const connecting = host(sshd, [], { host: `db1:${port}` }).connect();
			await expect(connecting.finally(() => vi.restoreAllMocks())).rejects.toMatchObject({
				code: 'E_CONNECT',
				message: expect.stringMatching(/ECONNREFUSED 127\.0\.0\.1:.*, .*ECONNREFUSED 127\.0\.0\.2:/),
			});
		});

		test.skipIf(!canBeLate)('is made where the host is far away, and its other address leads nowhere (needs python3)', async () => {
			const sshd = await server();
			const late = await listenLate(sshd.port);
			onTestFinished(late.close);
			writeFileSync(sshd.knownHosts, sshd.known.replace(`[127.0.0.1]:${sshd.port}`, `[db1]:${late.port}`));
			const all = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
			vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, done: (error: null, found: object) => void) =>
				done(null, all)) as unknown as typeof dns.lookup);
			const transport = host(sshd, [], { host: `${sshd.user}@db1:${late.port}` });
			await transport.connect().finally(() => vi.restoreAllMocks());
			expect((await transport.run('echo here')).stdout).toBe('here\n');
		});

		test('is E_CONNECT where somebody listens and is silent, or is no sshd', async () => {
			const sshd = await server();
			const sockets: Socket[] = [];
			for (const greeting of ['', 'HTTP/1.1 400 Bad Request\r\n\r\n']) {
				const other = createServer((socket) => {
					sockets.push(socket.on('error', () => {}));
					socket.write(greeting);
				});
				await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
				const { port } = other.address() as AddressInfo;
				const begin = Date.now();
				await expect(host(sshd, ['ConnectTimeout 1'], { host: `127.0.0.1:${port}` }).connect()).rejects.toMatchObject({
					code: 'E_CONNECT',
				});
				expect(Date.now() - begin).toBeLessThan(3_000);
				for (const socket of sockets.splice(0)) socket.destroy();
				other.close();
			}
		});
	});

	test('is waited for where the sshd has spoken and takes its time, as for a name server that does not answer', async () => {
		const sshd = await server();
		const wire = createServer((socket) => {
			const there = createConnection(sshd.port, '127.0.0.1');
			for (const end of [socket, there]) end.on('error', () => {}).on('close', () => [socket, there].map((one) => one.destroy()));
			socket.pipe(there);
			// What it is and what it speaks come at once, all that is of the login later.
			let pieces = 0;
			there.on('data', (piece) => void setTimeout(() => socket.write(piece), pieces++ < 2 ? 0 : 1_200));
		});
		await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
		const { port } = wire.address() as AddressInfo;
		const knownHostsFile = join(dir, 'known');
		writeFileSync(knownHostsFile, `${sshd.known.replace(/^\S+/, `[127.0.0.1]:${port}`)}\n`);
		const transport = host(sshd, ['ConnectTimeout 1'], { host: `${sshd.user}@127.0.0.1:${port}`, knownHostsFile });
		await transport.connect();
		expect((await transport.run('echo late')).stdout).toBe('late\n');
		await transport.close();
		wire.close();
	});

	describe('by way of jump hosts', () => {
		const known = (...all: Sshd[]): string => {
			writeFileSync(join(dir, 'known'), all.map((sshd) => `${sshd.known}\n`).join(''));
			return join(dir, 'known');
		};
		const keys = (...all: Sshd[]): string[] => ['Host *', ...all.map((sshd) => ` IdentityFile ${sshd.identity}`)];

		test('goes through a host that ssh_config has an alias for', async () => {
			const [jump, target] = [await server(), await server()];
			const lines = [
				...['Host jump', ' HostName 127.0.0.1', ` Port ${jump.port}`, ` User ${jump.user}`],
				...['Host db', ' HostName 127.0.0.1', ` Port ${target.port}`, ' ProxyJump jump'],
				...keys(jump, target),
			];
			const transport = host(target, lines, { host: 'db', knownHostsFile: known(jump, target) });
			await transport.connect();
			expect((await transport.run('echo through')).stdout).toBe('through\n');
			expect([logins(jump), logins(target)]).toEqual([1, 1]);
		});

		test('goes through two, written as user@host:port, and loses the connection with the first', async () => {
			const [one, two, target] = [await server(), await server(), await server()];
			const via = [one, two].map((sshd) => `${sshd.user}@127.0.0.1:${sshd.port}`).join(',');
			const transport = host(
				target,
				[`Host db`, ' HostName 127.0.0.1', ` Port ${target.port}`, ` ProxyJump ${via}`, ...keys(one, two, target)],
				{
					host: 'db',
					knownHostsFile: known(one, two, target),
				},
			);
			await transport.connect();
			expect([one, two, target].map(logins)).toEqual([1, 1, 1]);
			const lost = expect(transport.run('sleep 20')).rejects.toMatchObject({ code: 'E_CONNECTION_LOST' });
			await sleep(300);
			await one.restart(false);
			await lost;
		});

		test('checks the key of the jump host too, and leaves nothing open when the host is refused', async () => {
			const [jump, target] = [await server(), await server()];
			const lines = ['Host db', ' HostName 127.0.0.1', ` Port ${target.port}`, ` ProxyJump 127.0.0.1:${jump.port}`, ...keys(jump, target)];
			await expect(host(target, lines, { host: 'db', knownHostsFile: known(target) }).connect()).rejects.toMatchObject({
				code: 'E_HOST_KEY_UNKNOWN',
				message: expect.stringContaining(String(jump.port)),
			});
			await expect(host(target, lines, { host: 'db', knownHostsFile: known(jump) }).connect()).rejects.toMatchObject({
				code: 'E_HOST_KEY_UNKNOWN',
				message: expect.stringContaining(String(target.port)),
			});
			await vi.waitFor(() => expect(jump.log()).toMatch(/Connection closed by|Disconnected from user|Close session|Closing connection/));
		});

		test('goes straight with ProxyJump none, and does not jump to a host through itself', async () => {
			const jump = await server();
			const lines = [
				'Host jump',
				' HostName 127.0.0.1',
				` Port ${jump.port}`,
				'Host *',
				' ProxyJump jump',
				` IdentityFile ${jump.identity}`,
			];
			await host(jump, lines, { host: 'jump' }).connect();
			await host(jump, ['Host jump', ' ProxyJump none', ...lines], { host: 'jump' }).connect();
			expect(logins(jump)).toBe(2);
		});
	});

	describe('to a host that speaks only what is old', () => {
		const OLD = ['KexAlgorithms diffie-hellman-group14-sha1', 'HostKeyAlgorithms ssh-rsa', 'Ciphers aes128-cbc', 'MACs hmac-sha1'];

		test('is refused with the lines to put into ssh_config, and stands with exactly those', async () => {
			const sshd = await server(OLD, 'rsa');
			const error = await host(sshd)
				.connect()
				.catch((caught: { code: string; next: string[] }) => caught);
			const next = (error as { next: string[] }).next;
			expect(error).toMatchObject({ code: 'E_SSH_ALGORITHMS' });
			expect(next.slice(1).map((line) => line.trim())).toEqual([
				'Host 127.0.0.1',
				'KexAlgorithms +diffie-hellman-group14-sha1',
				'HostKeyAlgorithms +ssh-rsa',
				'Ciphers +aes128-cbc',
				'MACs +hmac-sha1',
			]);
			const transport = host(sshd, next.slice(1));
			await transport.connect();
			expect((await transport.run('echo old')).stdout).toBe('old\n');
		});

		test('stays refused when only another host may be old', async () => {
			const sshd = await server(OLD, 'rsa');
			const lines = ['Host other', ...OLD.map((line) => line.replace(' ', ' +'))];
			await expect(host(sshd, lines).connect()).rejects.toMatchObject({ code: 'E_SSH_ALGORITHMS' });
		});
	});

	test('that takes one channel at a time lets commands wait for each other', async () => {
		const sshd = await server(['MaxSessions 1']);
		const transport = host(sshd);
		await transport.connect();
		const long = transport.run('sleep 1; echo long');
		expect((await transport.run('echo short')).stdout).toBe('short\n');
		expect((await long).stdout).toBe('long\n');
		expect(logins(sshd)).toBe(1);
	});

	test('that takes one channel at a time is waited for, however long a command of our own has it', async () => {
		const transport = host(await server(['MaxSessions 1']));
		await transport.connect();
		const archive = transport.run('sleep 4; echo archive');
		await sleep(300);
		expect((await transport.run('echo short', { timeoutMs: 1_000 })).stdout).toBe('short\n');
		expect((await archive).stdout).toBe('archive\n');
	});

	test('on which nothing may be started is E_CHANNEL, for all who try', async () => {
		const transport = host(await server(['MaxSessions 0']));
		await transport.connect();
		const tries = await Promise.allSettled([transport.run('echo x'), transport.run('echo y')]);
		for (const one of tries) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'E_CHANNEL' } });
	});

	describe.each(['doas', 'sudo'] as const)('where root is reached by %s', (become) => {
		/** A stand-in that logs its arguments and does what `body` says. */
		const withProgram = async (body: string): Promise<Sshd> => {
			mkdirSync(join(dir, 'bin'));
			if (body !== '') {
				writeFileSync(join(dir, 'bin', become), `#!/bin/sh\necho "$*" >>${dir}/log\nshift\n${body}\n`);
				chmodSync(join(dir, 'bin', become), 0o755);
			}
			writeFileSync(join(dir, 'bin/id'), '#!/bin/sh\necho "${AS:-1000}"\n');
			chmodSync(join(dir, 'bin/id'), 0o755);
			return server([`SetEnv PATH=${dir}/bin:/usr/bin:/bin`]);
		};

		test('runs everything in its sh, without a prompt', async () => {
			const transport = host(await withProgram('AS=0 exec "$@"'), [], { become });
			await transport.connect();
			expect((await transport.run('echo "as $AS"')).stdout).toBe('as 0\n');
			expect(readFileSync(join(dir, 'log'), 'utf8')).toBe('-n sh\n-n sh\n');
		});

		test('says on connecting how to permit it when it is refused', async () => {
			const sshd = await withProgram('echo "a password is required" >&2; exit 1');
			await expect(host(sshd, [], { become }).connect()).rejects.toMatchObject({
				code: 'E_BECOME',
				message: expect.stringContaining('a password is required'),
				next: expect.arrayContaining([
					expect.stringMatching(become === 'doas' ? `permit nopass ${sshd.user}$` : `${sshd.user} ALL=.*NOPASSWD`),
				]),
			});
		});

		test('is E_BECOME where it makes another than root, or is not there', async () => {
			await expect(host(await withProgram('exec "$@"'), [], { become }).connect()).rejects.toMatchObject({ code: 'E_BECOME' });
			rmSync(join(dir, 'bin'), { recursive: true });
			await expect(host(await withProgram('exit 127'), [], { become }).connect()).rejects.toMatchObject({
				code: 'E_BECOME',
				next: expect.arrayContaining([`--become ${become === 'doas' ? 'sudo' : 'doas'}`]),
			});
		});
	});

	test.skipIf(process.getuid?.() !== 0)(
		'gives a terminal of the size of the person’s, which follows when it changes (needs root)',
		async () => {
			const { stdout } = process;
			const transport = host(await server());
			await transport.connect();
			let shown = '';
			const write = vi.spyOn(stdout, 'write').mockImplementation((text) => {
				shown += String(text);
				return true;
			});
			const size = (rows: number, columns: number): void => {
				Object.defineProperty(stdout, 'rows', { value: rows, configurable: true });
				Object.defineProperty(stdout, 'columns', { value: columns, configurable: true });
			};
			const before = [stdout.rows, stdout.columns];
			try {
				size(33, 101);
				const running = transport.terminal(
					'tty; stty size; trap "stty size; exit 5" WINCH; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.3; done',
				);
				await vi.waitFor(() => expect(shown).toMatch(/\/dev\/pts\/\d+\s+33 101/), { timeout: 3_000 });
				await sleep(200);
				size(44, 120);
				stdout.emit('resize');
				expect(await running).toMatchObject({ code: 5 });
			} finally {
				write.mockRestore();
				size(before[0] as number, before[1] as number);
			}
			expect(shown).toContain('44 120');
			expect(stdout.listenerCount('resize')).toBe(0);
		},
	);

	test.skipIf(process.getuid?.() !== 0)(
		'ends what runs on a terminal when it is given up, as where the person’s own is gone (needs root)',
		async () => {
			const transport = host(await server());
			await transport.connect();
			let shown = '';
			const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
				shown += String(text);
				return true;
			});
			const stop = new AbortController();
			const reason = new Error('hung up');
			try {
				const running = transport.terminal('echo "here: $$"; exec sleep 60', stop.signal);
				await vi.waitFor(() => expect(shown).toMatch(/here: \d+/), { timeout: 3_000 });
				stop.abort(reason);
				await expect(running).rejects.toBe(reason);
			} finally {
				write.mockRestore();
			}
			const pid = Number(/here: (\d+)/.exec(shown)?.[1]);
			await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 3_000 });
		},
	);
});

/** Logins that it let in so far. */
function logins(sshd: Sshd): number {
	return sshd.log().match(/^Accepted publickey /gm)?.length ?? 0;
}
