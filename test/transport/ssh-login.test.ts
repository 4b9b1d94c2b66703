import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type AuthContext } from 'ssh2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type SshSpec, sshTransport } from '../../src/transport/ssh.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { haveSshd, makeKey, type Sshd, startSshd } from '../contract/sshd.ts';

let dir: string;
let open: Transport[] = [];
beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-login-'));
});
afterEach(async () => {
	for (const host of open.splice(0)) await host.close();
	open = [];
	rmSync(dir, { recursive: true, force: true });
});

/** A transport whose ssh_config has `lines`; nothing of the user's own is read. */
function host(
	spec: Partial<SshSpec> & { host: string },
	lines: readonly string[] = ['IdentityAgent none', 'IdentityFile none'],
): Transport {
	const configFile = join(dir, `config-${open.length}`);
	writeFileSync(configFile, `${lines.join('\n')}\n`);
	const transport = sshTransport({ become: 'none', configFile, ...spec });
	open.push(transport);
	return transport;
}

/** Answers questions from a list and keeps them; with no answer left it fails the test. */
function answers(...texts: string[]): { askSecret: (question: string) => Promise<string>; asked: string[] } {
	const asked: string[] = [];
	return {
		asked,
		async askSecret(question) {
			asked.push(question);
			const text = texts.shift();
			if (text === undefined) throw new Error(`not to be asked: ${question}`);
			return text;
		},
	};
}

describe.skipIf(!haveSshd)('a login at sshd (needs sshd)', () => {
	let sshd: Sshd;
	beforeAll(async () => {
		sshd = await startSshd(['MaxAuthTries 20']);
	});
	afterAll(() => sshd?.stop());
	const at = (): { host: string; knownHostsFile: string } => ({
		host: `${sshd.user}@127.0.0.1:${sshd.port}`,
		knownHostsFile: sshd.knownHosts,
	});
	const works = async (transport: Transport): Promise<void> => {
		await transport.connect();
		expect((await transport.run('echo in')).stdout).toBe('in\n');
	};

	test('works by the key that --identity names', async () => {
		await works(host({ ...at(), identity: sshd.identity }));
	});

	test.each(['rsa', 'ecdsa'])('works by a key of type %s', async (type) => {
		sshd.admit(`${makeKey(join(dir, 'id'), type)}.pub`);
		await works(host({ ...at(), identity: join(dir, 'id') }));
	});

	test('is refused for a key the host does not know, and says what was tried', async () => {
		const wrong = makeKey(join(dir, 'wrong'));
		await expect(host({ ...at(), identity: wrong }).connect()).rejects.toMatchObject({
			code: 'E_AUTH',
			message: expect.stringContaining(wrong),
		});
	});

	test('is refused for a key file that does not exist, before anything is sent', () => {
		expect(() => host({ ...at(), identity: join(dir, 'absent') })).toThrow(expect.objectContaining({ code: 'E_IDENTITY', exit: 2 }));
	});

	test('is refused for a file that holds no key to log in with, and says why it was not tried', async () => {
		const key = makeKey(join(dir, 'key'));
		writeFileSync(join(dir, 'page'), '<html>');
		mkdirSync(join(dir, 'folder'));
		for (const [file, why] of [
			[`${key}.pub`, 'is no private key, and no agent holds it'],
			[join(dir, 'page'), 'Unsupported key format'],
			[join(dir, 'folder'), 'cannot be read'],
		] as const)
			await expect(host({ ...at(), identity: file }, ['IdentityAgent none']).connect()).rejects.toMatchObject({
				code: 'E_AUTH',
				message: expect.stringContaining(`tried: ${file} (${why})`),
			});
	});

	test('tries each IdentityFile in turn', async () => {
		const files = [join(dir, 'absent'), makeKey(join(dir, 'wrong')), sshd.identity];
		await works(
			host(
				at(),
				files.map((file) => `IdentityFile ${file}`),
			),
		);
	});

	test('asks for the passphrase of a locked key, again when it was wrong, and never again in the same run', async () => {
		const key = makeKey(join(dir, 'locked'), 'ed25519', 'open sesame');
		sshd.admit(`${key}.pub`);
		const { asked, askSecret } = answers('wrong', 'open sesame');
		const transport = host({ ...at(), identity: key, askSecret });
		await works(transport);
		expect(asked).toEqual([`passphrase of ${key}: `, `passphrase of ${key}: `]);
		await transport.close();
		await works(transport);
		expect(asked.length).toBe(2);
	});

	test('with a locked key and nobody to ask says so', async () => {
		const key = makeKey(join(dir, 'locked'), 'ed25519', 'open sesame');
		await expect(host({ ...at(), identity: key }).connect()).rejects.toMatchObject({
			code: 'E_AUTH',
			message: expect.stringContaining('passphrase'),
			next: expect.arrayContaining([expect.stringContaining('ssh-add')]),
		});
	});

	test('does not ask for a passphrase when an open key does', async () => {
		const locked = makeKey(join(dir, 'locked'), 'ed25519', 'open sesame');
		await works(host({ ...at(), ...answers() }, [`IdentityFile ${locked}`, `IdentityFile ${sshd.identity}`]));
	});

	test('survives a socket that an agent left behind', async () => {
		writeFileSync(join(dir, 'stale'), '');
		await works(host(at(), [`IdentityAgent ${join(dir, 'stale')}`, `IdentityFile ${sshd.identity}`]));
	});

	describe('with an agent', () => {
		let socket: string;
		let pid: number;
		beforeEach(() => {
			socket = join(dir, 'agent');
			const told = execFileSync('ssh-agent', ['-s', '-a', socket], { encoding: 'utf8' });
			pid = Number(/SSH_AGENT_PID=(\d+)/.exec(told)?.[1]);
		});
		afterEach(() => void process.kill(pid));
		const add = (file: string): void =>
			void execFileSync('ssh-add', ['-q', file], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'pipe' });

		test('works by any key it holds', async () => {
			for (const name of ['one', 'two']) add(makeKey(join(dir, name)));
			add(sshd.identity);
			await works(host(at(), [`IdentityAgent ${socket}`, 'IdentityFile none']));
		});

		test('is found by SSH_AUTH_SOCK', async () => {
			add(sshd.identity);
			const before = process.env['SSH_AUTH_SOCK'];
			process.env['SSH_AUTH_SOCK'] = socket;
			try {
				await works(host(at(), ['IdentityFile none']));
			} finally {
				if (before === undefined) delete process.env['SSH_AUTH_SOCK'];
				else process.env['SSH_AUTH_SOCK'] = before;
			}
		});

		test('is asked for the locked key that --identity names, and for no other', async () => {
			const key = makeKey(join(dir, 'id'), 'rsa');
			sshd.admit(`${key}.pub`);
			add(key);
			execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'open sesame', '-f', key]);
			await works(host({ ...at(), ...answers(), identity: key }, [`IdentityAgent ${socket}`]));
			const other = makeKey(join(dir, 'other'));
			add(sshd.identity);
			await expect(host({ ...at(), identity: other }, [`IdentityAgent ${socket}`]).connect()).rejects.toMatchObject({ code: 'E_AUTH' });
		});

		test('leaves the rest of its keys alone with IdentitiesOnly', async () => {
			add(sshd.identity);
			const lines = [`IdentityAgent ${socket}`, 'IdentitiesOnly yes', `IdentityFile ${makeKey(join(dir, 'wrong'))}`];
			await expect(host(at(), lines).connect()).rejects.toMatchObject({ code: 'E_AUTH' });
		});
	});
});

describe('a login by password', () => {
	let server: InstanceType<typeof ssh2.Server>;
	let seen: string[];
	let spec: { host: string; knownHostsFile: string };

	/** A server that takes what `judge` takes and runs nothing. */
	const listen = async (judge: (context: AuthContext) => void): Promise<void> => {
		const key = makeKey(join(dir, 'host'));
		seen = [];
		server = new ssh2.Server({ hostKeys: [readFileSync(key)] }, (client) => {
			client.on('error', () => {});
			client.on('authentication', (context) => {
				seen.push(context.method);
				judge(context);
			});
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const { port } = server.address() as AddressInfo;
		spec = { host: `ann@127.0.0.1:${port}`, knownHostsFile: join(dir, 'known_hosts') };
		writeFileSync(spec.knownHostsFile, `[127.0.0.1]:${port} ${readFileSync(`${key}.pub`, 'utf8')}`);
	};
	afterEach(async () => {
		for (const one of open.splice(0)) await one.close();
		await new Promise((resolve) => server.close(resolve));
	});
	const takesPassword = (context: AuthContext): void => {
		if (context.method === 'password' && context.password === 'right') context.accept();
		else context.reject(['password']);
	};

	test('asks for it, again when it was wrong, and never again in the same run', async () => {
		await listen(takesPassword);
		const { asked, askSecret } = answers('wrong', 'right');
		const transport = host({ ...spec, askSecret });
		await transport.connect();
		expect(asked).toEqual(['password of ann@127.0.0.1: ', 'password of ann@127.0.0.1: ']);
		await transport.close();
		await transport.connect();
		expect(asked.length).toBe(2);
	});

	test('is given up after three wrong ones, none of which is in the error', async () => {
		await listen(takesPassword);
		const error = await host({ ...spec, ...answers('hunter1', 'hunter2', 'hunter3') })
			.connect()
			.catch((caught: unknown) => caught);
		expect(error).toMatchObject({ code: 'E_AUTH' });
		expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('hunter');
	});

	test('is never tried where nobody can answer', async () => {
		await listen(takesPassword);
		await expect(host(spec).connect()).rejects.toMatchObject({ code: 'E_AUTH' });
		expect(seen).toEqual(['none']);
	});

	test('answers what the server asks (keyboard-interactive)', async () => {
		await listen((context) => {
			if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
			context.prompt(
				[
					{ prompt: 'Password: ', echo: false },
					{ prompt: 'Code: ', echo: true },
				],
				(given) => (given.join() === 'right,123' ? context.accept() : context.reject(['keyboard-interactive'])),
			);
		});
		const { asked, askSecret } = answers('right', '123');
		await host({ ...spec, askSecret }).connect();
		expect(asked.map((question) => question.replace(/^.* asks: /, ''))).toEqual(['Password: ', 'Code: ']);
	});

	test('comes after the key where the server wants both', async () => {
		const key = makeKey(join(dir, 'id'));
		let keyTaken = false;
		await listen((context) => {
			if (keyTaken && context.method === 'password' && context.password === 'right') return context.accept();
			if (!keyTaken && context.method === 'publickey') {
				if (context.signature === undefined) return context.accept();
				keyTaken = true;
				return context.reject(['password'], true);
			}
			return context.reject([keyTaken ? 'password' : 'publickey']);
		});
		await host({ ...spec, ...answers('right'), identity: key }).connect();
	});

	test('ends when the person does not answer but ends it', async () => {
		await listen(takesPassword);
		const ended = new Error('interrupted');
		const askSecret = (): Promise<string> => Promise.reject(ended);
		await expect(host({ ...spec, askSecret }).connect()).rejects.toBe(ended);
	});
});
