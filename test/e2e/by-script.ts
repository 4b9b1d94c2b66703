import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { World } from '../lab/world.ts';

/** Times the script is run at the most: once, and after each of three reboots. */
const MOST_ROUNDS = 4;

/**
 * Writes the script of a plan from the host's facts, and carries the upgrade at its console by that alone, run again after each reboot.
 * `planArgs`: a `plan` command line for the world's host. Returns what the script said in its last run.
 */
export async function carryByScript(on: World, planArgs: readonly string[]): Promise<string> {
	const { host } = on;
	const facts = await on.bsdup(['facts', host.ssh.spec, ...host.flags, '--json']);
	const file = join(host.dir, 'facts.json');
	writeFileSync(file, facts.stdout);
	const words = planArgs.slice(2 + host.flags.length);
	const made = await on.bsdup(['plan', '--facts', file, ...words, '--format', 'sh', '--out', join(host.dir, 'lab/up.sh')]);
	expect(made.code, made.stderr).toBe(0);
	let line = 'cp /lab/up.sh /root/up.sh && sh /root/up.sh --yes';
	for (let round = 1; ; round++) {
		const { boots } = host;
		const { code, output } = await host.inside(line);
		if (code === 0) return output;
		expect(output).toContain('After it, log in as root');
		expect(round, 'it asks for ever more reboots').toBeLessThan(MOST_ROUNDS);
		await host.upAgain(boots + 1);
		line = 'sh /var/db/bsdup/run-*/resume.sh --yes';
	}
}
