import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BsdupError } from '../../src/errors.ts';
import { type SshSpec, sshTransport } from '../../src/transport/ssh.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { haveSshd, makeKey, type Sshd, startSshd } from '../contract/sshd.ts';

describe.skipIf(!haveSshd)("a host's key (needs sshd)", () => {
	let sshd: Sshd;
	let dir: string;
	let file: string;
	/** A directory with the second key of the host, and that key's type and text. */
	let keys: string;
	let rsa: string;
	const open: Transport[] = [];
	beforeAll(async () => {
		keys = mkdtempSync(join(tmpdir(), 'bsdup-rsa-'));
		sshd = await startSshd([`HostKey ${makeKey(join(keys, 'rsa'), 'rsa')}`]);
		rsa = readFileSync(join(keys, 'rsa.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
	});
	afterAll(async () => {
		await sshd?.stop();
		rmSync(keys, { recursive: true, force: true });
	});
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), 'bsdup-keys-'));
		file = join(dir, 'known_hosts');
	});
	afterEach(async () => {
		for (const host of open.splice(0)) await host.close();
		rmSync(dir, { recursive: true, force: true });
	});
	const host = (spec: Partial<SshSpec> = {}): Transport => {
		const transport = sshTransport({
			host: `${sshd.user}@127.0.0.1:${sshd.port}`,
			become: 'none',
			identity: sshd.identity,
			knownHostsFile: file,
			configFile: '/dev/null',
			...spec,
		});
		open.push(transport);
		return transport;
	};
	const name = (): string => `[127.0.0.1]:${sshd.port}`;

	test('is taken when known_hosts has it, by name or by the hash of the name', async () => {
		writeFileSync(file, `# mine\n${sshd.known}\n`);
		await host().connect();
		const salt = Buffer.from('12345678901234567890');
		const hash = `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name()).digest('base64')}`;
		writeFileSync(file, `${hash} ${sshd.known.split(' ').slice(1).join(' ')}\n`);
		await host().connect();
	});

	test('is looked up, and written down, by the HostKeyAlias that ssh_config has for it', async () => {
		const configFile = join(dir, 'config');
		writeFileSync(configFile, 'HostKeyAlias db1\n');
		writeFileSync(file, `${sshd.known.replace(/^\S+/, 'db1')}\n`);
		await host({ configFile }).connect();
		writeFileSync(file, '');
		await host({ configFile, askHostKey: async () => true }).connect();
		expect(readFileSync(file, 'utf8')).toMatch(/^db1 ssh-/);
	});

	test('is asked of the type that is known, though the host has better ones', async () => {
		writeFileSync(file, `${name()} ${rsa}\n`);
		await host().connect();
	});

	test('is refused when it is unknown and nobody can be asked', async () => {
		await expect(host().connect()).rejects.toMatchObject({
			code: 'E_HOST_KEY_UNKNOWN',
			message: expect.stringMatching(/ssh-ed25519.*SHA256:/),
		});
	});

	test('is known after what the refusal says to type, by the name and the files that bsdup was given', async () => {
		const config = join(dir, 'config');
		writeFileSync(config, `Host db1\n\tHostName 127.0.0.1\n\tPort ${sshd.port}\n\tUser ${sshd.user}\n`);
		const db1 = (): Transport => host({ host: 'db1', configFile: config });
		const refused = await db1()
			.connect()
			.then(
				() => '',
				(error: BsdupError) => error.next[0] ?? '',
			);
		expect(refused).toMatch(/^compare it at the console, then: ssh .* \S+@db1 true$/);
		const line = refused.replace(/^.*then: ssh/, 'ssh -o StrictHostKeyChecking=accept-new');
		expect(spawnSync('sh', ['-c', line], { encoding: 'utf8' }).status).toBe(0);
		await db1().connect();
	});

	test('is refused when the person does not trust it, and known_hosts stays as it was', async () => {
		writeFileSync(file, '# empty');
		await expect(host({ askHostKey: async () => false }).connect()).rejects.toMatchObject({ code: 'E_HOST_KEY_UNKNOWN' });
		expect(readFileSync(file, 'utf8')).toBe('# empty');
	});

	test('is added to known_hosts when the person trusts it, and not asked for again', async () => {
		writeFileSync(file, '# no newline at the end');
		const asked: string[] = [];
		const askHostKey = async (question: string): Promise<boolean> => asked.push(question) > 0;
		const transport = host({ askHostKey });
		await transport.connect();
		expect(readFileSync(file, 'utf8')).toBe(`# no newline at the end\n${sshd.known}\n`);
		await transport.close();
		await transport.connect();
		await host().connect();
		expect(asked.length).toBe(1);
	});

	test('is added without its name where HashKnownHosts says so, to a file that is made', async () => {
		const configFile = join(dir, 'config');
		const made = join(dir, 'new/known_hosts');
		writeFileSync(configFile, 'HashKnownHosts yes\n');
		await host({ configFile, knownHostsFile: made, askHostKey: async () => true }).connect();
		expect(readFileSync(made, 'utf8')).toMatch(/^\|1\|\S+\|\S+ ssh-ed25519 \S+\n$/);
		await host({ knownHostsFile: made }).connect();
	});

	test('that could not be written down is still trusted for the rest of the run', async () => {
		let asked = 0;
		const transport = host({ knownHostsFile: '/dev/null/known_hosts', askHostKey: async () => ++asked > 0 });
		await transport.connect();
		await transport.close();
		await transport.connect();
		expect(asked).toBe(1);
	});

	test('is waited for longer than a host may be silent', async () => {
		const configFile = join(dir, 'config');
		writeFileSync(configFile, 'ConnectTimeout 1\n');
		const slow = async (): Promise<boolean> => new Promise((resolve) => setTimeout(() => resolve(true), 2_000));
		await host({ configFile, askHostKey: slow }).connect();
	});

	test('that changed is refused with the line of known_hosts, whatever the person says', async () => {
		const other = readFileSync(`${makeKey(join(dir, 'other'))}.pub`, 'utf8');
		writeFileSync(file, `# mine\n${name()} ${other}`);
		await expect(host({ askHostKey: async () => true }).connect()).rejects.toMatchObject({
			code: 'E_HOST_KEY_CHANGED',
			message: expect.stringContaining(`${file}:2`),
			next: expect.arrayContaining([expect.stringContaining(`ssh-keygen -R '${name()}' -f ${file}`)]),
		});
	});

	test('that is revoked is refused', async () => {
		writeFileSync(file, `@revoked * ${sshd.known.split(' ').slice(1).join(' ')}\n${sshd.known}\n`);
		await expect(host().connect()).rejects.toMatchObject({ code: 'E_HOST_KEY_REVOKED' });
	});
});
