import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LAB, whyNot } from './ability.ts';
import { ROOT } from './root.ts';

const DEMO = [process.execPath, join(ROOT, 'dist/test/lab/demo.js')];

describe('the demo', () => {
	test.skipIf(LAB === null)(
		'upgrades a host, and ends with the proof, how long the host was down, and the time (needs a practice host)',
		() => {
			const [program = '', ...args] = DEMO;
			const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
			expect(stderr).toBe('');
			expect(stdout.includes("ssh2's server class stands for OpenSSH's sshd")).toBe(LAB === 'namespace');
			expect(stdout).toMatch(
				/\nProof, from its disk: its kernel, .+ are those of 7\.8.+\nThe host was down for \d+\.\d s in 2 reboots .+\nDone in \d+ s\.\n$/,
			);
			expect(Number(/Done in (\d+) s/.exec(stdout)?.[1])).toBeLessThan(120);
			expect(status).toBe(0);
		},
	);

	test.skipIf(LAB === null)(
		'shows a boot environment that goes back by itself, then one that stays, with --os freebsd (needs a practice host)',
		() => {
			const [program = '', ...args] = [...DEMO, '--os', 'freebsd'];
			const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
			expect(stderr).toContain('verdict: rebooted, old system');
			expect(stdout).toMatch(/nobody has proven this boot environment, going back[\s\S]*Boot once/);
			expect(stdout).toMatch(/\nProof, from its disk: its kernel, .+ are those of 15\.0.+\nDone in \d+ s\.\n$/);
			expect(status).toBe(0);
		},
	);

	test.skipIf(whyNot('namespace') !== null)(
		'says in one line why it cannot run where namespaces are forbidden (needs user namespaces)',
		() => {
			const forbid = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"';
			const { status, stdout, stderr } = spawnSync('unshare', ['-r', 'sh', '-c', forbid, 'sh', ...DEMO], { encoding: 'utf8' });
			expect(stderr).toMatch(/^The demo cannot run here: the kernel allows no user namespaces .+ Nothing was installed\.\n$/);
			expect(stdout).toBe('');
			expect(status).toBe(1);
		},
	);
});
