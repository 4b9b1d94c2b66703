import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sshTransport } from '../../src/transport/ssh.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { haveSshd, type Sshd, startSshd } from '../contract/sshd.ts';

/** Login shells and what they do before a command; sshd starts each as it does a user's own: SHELL -c COMMAND. */
const SHELLS: [what: string, program: string, startUp: string][] = [
	['sh that greets everybody', '/bin/sh', 'echo "Welcome to host1"; echo; echo "1 running"; echo "mail" >&2'],
	['sh whose start-up file fails', '/bin/sh', 'no-such-program; cd /nowhere; false'],
	['sh that draws on the terminal', '/bin/sh', "printf '\\033[2J\\033]0;host\\007no line feed'"],
	['tcsh', '/usr/bin/tcsh', ''],
	['fish', '/usr/bin/fish', ''],
];

describe.skipIf(!haveSshd)('a host whose login shell is (needs sshd)', () => {
	let dir: string;
	let sshd: Sshd;
	let transport: Transport;
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "bsdup it's a shell-"));
	});
	afterEach(async () => {
		await transport?.close();
		await sshd?.stop();
		rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
	});

	for (const [what, program, startUp] of SHELLS) {
		const there = existsSync(program);
		test.skipIf(!there)(`${what}${there ? '' : ` (${program} is not here)`}: scripts, streams and files come through whole`, async () => {
			sshd = await startSshd([`ForceCommand ${startUp === '' ? '' : `${startUp}; `}exec ${program} -c "$SSH_ORIGINAL_COMMAND"`]);
			transport = sshTransport({
				host: `${sshd.user}@127.0.0.1:${sshd.port}`,
				become: 'none',
				identity: sshd.identity,
				knownHostsFile: sshd.knownHosts,
				configFile: '/dev/null',
			});
			await transport.connect();
			let heard = '';
			const script = `printf '%s|' "it's" '$HOME' '!!' '(a)'; echo; exit 3`;
			const result = await transport.run(script, { onStdout: (text) => (heard += text) });
			expect([result.code, result.stdout]).toEqual([3, "it's|$HOME|!!|(a)|\n"]);
			expect(heard).toBe(result.stdout);
			expect((await transport.run('exit 7')).stdout).toBe('');
			const taken: Buffer[] = [];
			await transport.run(`printf '\\377\\000\\r\\n'; exec cat /bin/sh`, { onBytes: async (bytes) => void taken.push(bytes) });
			expect(Buffer.concat(taken).equals(Buffer.concat([Buffer.from([255, 0, 13, 10]), readFileSync('/bin/sh')]))).toBe(true);
			const file = join(dir, "it's $HOME `id`");
			const bytes = Buffer.from('whole\n');
			await transport.push(bytes, file, { mode: 0o600, sha256: createHash('sha256').update(bytes).digest('hex') });
			expect(readFileSync(file, 'utf8')).toBe('whole\n');
		});
	}
});
