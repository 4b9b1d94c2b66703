import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { localTransport } from '../../src/transport/local.ts';
import { sshTransport } from '../../src/transport/ssh.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { haveSshd, type Sshd, startSshd } from '../contract/sshd.ts';

describe.skipIf(!haveSshd)('a push over SSH (needs sshd)', () => {
	let sshd: Sshd;
	let host: Transport;
	let dir: string;
	beforeEach(async () => {
		dir = mkdtempSync(join(tmpdir(), 'bsdup-push-'));
		sshd = await startSshd();
		host = sshTransport({
			...{ host: `${sshd.user}@127.0.0.1:${sshd.port}`, become: 'none' as const },
			...{ identity: sshd.identity, knownHostsFile: sshd.knownHosts, configFile: '/dev/null' },
		});
		await host.connect();
	});
	afterEach(async () => {
		await host.close();
		await sshd.stop();
		rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
	});

	test('whose connection broke goes on from what came, on the next connection', async () => {
		const bytes = randomBytes(24_000_000);
		const [source, to] = [join(dir, 'source'), join(dir, 'file')];
		writeFileSync(source, bytes);
		const options = { mode: 0o600, sha256: createHash('sha256').update(bytes).digest('hex'), resume: true };
		let restarted: Promise<void> | undefined;
		const onBytes = (sent: number): void => {
			if (sent > 12_000_000) restarted ??= sshd.restart(true);
		};
		await expect(host.push(source, to, { ...options, onBytes })).rejects.toMatchObject({ code: 'E_CONNECTION_LOST' });
		await restarted;
		const came = statSync(`${to}.part`).size;
		expect(came).toBeGreaterThan(0);
		await host.connect();
		const told: number[] = [];
		await host.push(source, to, { ...options, onBytes: (sent) => told.push(sent) });
		expect(told[0]).toBeGreaterThan(came);
		expect(readFileSync(to).equals(bytes)).toBe(true);
	});

	test('of two files at once lays both', async () => {
		const names = ['one', 'two'];
		const push = async (name: string): Promise<boolean> => {
			const bytes = randomBytes(4_000_000);
			writeFileSync(join(dir, name), bytes);
			const sha256 = createHash('sha256').update(bytes).digest('hex');
			await host.push(join(dir, name), join(dir, `${name}.there`), { mode: 0o600, sha256, resume: true });
			return readFileSync(join(dir, `${name}.there`)).equals(bytes);
		};
		expect(await Promise.all(names.map(push))).toEqual([true, true]);
	});
});

test('what is pushed is on the disk before it has its name', async () => {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-push-'));
	try {
		const to = join(dir, 'file');
		writeFileSync(join(dir, 'sync'), `#!/bin/sh\nls ${dir} >${dir}/there\n`, { mode: 0o755 });
		vi.stubEnv('PATH', `${dir}:${process.env['PATH']}`);
		const bytes = Buffer.from('text\n');
		const sha256 = createHash('sha256').update(bytes).digest('hex');
		await localTransport({ become: 'none' }).push(bytes, to, { mode: 0o600, sha256 });
		expect(readFileSync(join(dir, 'there'), 'utf8')).toBe('file.part\nsync\nthere\n');
		expect(readFileSync(to, 'utf8')).toBe('text\n');
	} finally {
		vi.unstubAllEnvs();
		rmSync(dir, { recursive: true });
	}
});
