import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { World } from '../lab/world.ts';

/** Times the script is run at the most: once, and after each of four reboots. */
const MOST_ROUNDS = 5;

/**
 * Writes the script of a plan from the host's facts, and carries the upgrade at its console by that alone, run again after each reboot.
 * `planArgs`: a `plan` command line for the world's host. Returns what the script said, in all its runs.
 */
export async function carryByScript(on: World, planArgs: readonly string[]): Promise<string> {
	const { host } = on;
	const facts = await on.bsdup(['facts', host.ssh.spec, ...host.flags, '--json']);
	const file = join(host.dir, 'facts.json');
	writeFileSync(file, facts.stdout);
	const words = planArgs.slice(2 + host.flags.length);
	const made = await on.bsdup(['plan', '--facts', file, ...words, '--format', 'sh', '--out', join(host.dir, 'lab/up.sh')]);
	expect(made.code, made.stderr).toBe(0);
	let said = '';
	let line = 'cp /lab/up.sh /root/up.sh && sh /root/up.sh --yes';
	for (let round = 1; ; round++) {
		const { boots } = host;
		const { code, output } = await host.inside(line);
		said += output;
		if (code === 0) return said;
		expect(output).toContain('After it, log in as root');
		expect(round, 'it asks for ever more reboots').toBeLessThan(MOST_ROUNDS);
		await host.upAgain(boots + 1);
		line = 'rm -f /root/up.sh; sh /var/db/bsdup/run-*/resume.sh --yes';
	}
}
