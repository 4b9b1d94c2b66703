import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import type { ReleaseName } from '../lab/releases.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { BACKUP, differences, targetFlags } from './proof.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

/** Reboots an upgrade of this kind takes at the most, with room for a cut. */
const MOST_ROUNDS = 7;

async function script(from: ReleaseName, target: ReleaseName, method?: string): Promise<{ world: World; first: string }> {
	world = await makeWorld(from, target);
	const { host } = world;
	const facts = await world.bsdup(['facts', host.ssh.spec, ...host.flags, '--json']);
	const factsFile = join(host.dir, 'facts.json');
	writeFileSync(factsFile, facts.stdout);
	const out = join(host.dir, 'lab/up.sh');
	const made = await world.bsdup([
		'plan',
		'--facts',
		factsFile,
		...targetFlags(world, target, method),
		...BACKUP,
		'--unattended',
		'--format',
		'sh',
		'--out',
		out,
	]);
	expect(made.stderr).toBe('');
	expect((await host.inside('cp /lab/up.sh /root/up.sh')).code).toBe(0);
	return { world, first: 'sh /root/up.sh --yes' };
}

/** Runs the script as a person does: again after each reboot. Returns what it said last. */
async function round(on: World, first: string): Promise<string> {
	let line = first;
	for (let n = 0; n < MOST_ROUNDS; n++) {
		const boots = on.host.boots;
		const { code, output } = await on.host.inside(line);
		if (code === 0) return output;
		if (!output.includes('After it, log in as root')) throw new Error(output);
		await on.host.upAgain(boots + 1);
		line = 'sh /var/db/bsdup/run-*/resume.sh --yes';
	}
	throw new Error('it never ended');
}

describe.skipIf(LAB === null)('the script for a host that bsdup never talks to (needs a practice host)', () => {
	test.each<[ReleaseName, ReleaseName, string]>([
		['7.7', '7.8', 'in-place'],
		['4.9', '4.9-newer', 'in-place'],
		['7.7', '7.8', 'ramdisk'],
	])('upgrades a %s host to %s by base tools alone (%s), run again after each reboot', async (from, target, method) => {
		const { world: on, first } = await script(from, target, method);
		expect(await round(on, first)).toContain('done    the host runs the new system');
		const again = await on.host.inside('sh /var/db/bsdup/run-*/resume.sh --yes');
		expect(again.code).toBe(0);
		expect(again.output).not.toContain('run     ');
		expect(await differences(on, target)).toEqual([]);
	});

	test.skipIf(LAB !== 'root')(`goes on after a power cut in the middle of the backup (${NEEDS_DISK})`, async () => {
		const { world: on, first } = await script('7.7', '7.8');
		const running = on.host.inside(first);
		await new Promise((resolve) => setTimeout(resolve, 700));
		await on.host.powerCut();
		await running;
		await on.host.powerOn();
		const back = (await on.host.inside('ls /root/up.sh')).code === 0 ? first : 'cp /lab/up.sh /root/up.sh; sh /root/up.sh --yes';
		await round(on, back);
		expect(await differences(on, '7.8')).toEqual([]);
	});
});
