import { afterAll, beforeAll, describe } from 'vitest';
import { sshTransport } from '../../src/transport/ssh.ts';
import { haveSshd, type Sshd, startSshd } from './sshd.ts';
import { testTransport } from './transport.ts';

describe.skipIf(!haveSshd)('over SSH (needs sshd)', () => {
	let sshd: Sshd;
	beforeAll(async () => {
		sshd = await startSshd();
	});
	afterAll(() => sshd?.stop());
	testTransport(
		'a host over SSH',
		async () => {
			const host = sshTransport({
				host: `${sshd.user}@127.0.0.1:${sshd.port}`,
				become: 'none',
				identity: sshd.identity,
				knownHostsFile: sshd.knownHosts,
				configFile: '/dev/null',
			});
			await host.connect();
			return host;
		},
		process.getuid?.() === 0,
	);
});
