import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { resume, until } from './cut.ts';
import { differences } from './proof.ts';
import { before } from './stand-in.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

/** An upgrade whose controller and host are both gone when `said` is heard, before the set `held` is unpacked; then something on the disk is harmed. */
async function ruined(said: string, held: string, harm: (root: string) => void): Promise<World> {
	const on = await makeWorld('7.7', '7.8');
	world = on;
	// So that it is cut there, however late this is heard.
	const end = before(on, 'tar', `case "$*" in *"-C / -xzphf ${held}"*) exec /lab/real/bin/sleep 100000 ;; esac`);
	let off: Promise<void> = Promise.resolve();
	await until(on, said, (kill) => {
		off = LAB === 'root' ? on.host.powerCut() : on.host.powerOff();
		kill('SIGKILL');
	});
	await off;
	end();
	on.host.withDisk(harm);
	return on;
}

/** The card as it lies on the host: the lines a person types, without what is said about them. */
async function card(on: World): Promise<string[]> {
	const { stdout } = await on.bsdup(['status', '--recovery']);
	return stdout.split('\n').flatMap((line) => /^ {5}(\S.*)$/.exec(line)?.[1] ?? []);
}

describe.skipIf(LAB === null)('the recovery card (needs a practice host)', () => {
	test('brings a host back whose base is torn: from the install kernel, by its own line, then the run goes on', async () => {
		const on = await ruined('unpacking base', 'nothing', (root) => {
			truncateSync(join(root, 'sbin/init'), 20);
			for (const run of readdirSync(join(root, 'var/db/bsdup'))) rmSync(join(root, 'var/db/bsdup', run, 'sets.complete'), { force: true });
		});
		await expect(on.host.powerOn()).rejects.toThrow('panic');
		await on.host.powerOff();
		const lines = await card(on);
		expect(lines).toContain('mount /dev/sd0a /mnt');
		const unpack = lines.find((line) => line.startsWith('cd /mnt') && line.includes('tar ')) ?? '';
		on.host.withDisk((root) => execFileSync('sh', ['-ec', unpack.replaceAll('/mnt', root)]));
		await on.host.powerOn();
		await resume(on);
		expect(await differences(on, '7.8')).toEqual([]);
	});

	test.skipIf(LAB !== 'root')(
		'brings a host back whose kernel is torn: by the old kernel at the loader, then the script goes on (needs root: the power goes at one instant)',
		async () => {
			const on = await ruined('unpacking xserv', 'xfont', (root) => truncateSync(join(root, 'bsd'), 1000));
			await expect(on.host.powerOn()).rejects.toThrow('stuck-kernel');
			await on.host.powerOff();
			const lines = await card(on);
			const [, kernel = ''] = lines.find((line) => line.startsWith('boot /obsd'))?.split('/') ?? [];
			await on.host.powerOn(kernel);
			const script = lines.find((line) => line.startsWith('sh ')) ?? '';
			for (let boots = on.host.boots; ; boots = on.host.boots) {
				const { code, output } = await on.host.inside(`${script} --yes`);
				if (code === 0) break;
				expect(output).toContain('After it, log in as root');
				await on.host.upAgain(boots + 1);
			}
			expect(await differences(on, '7.8')).toEqual([]);
			expect(on.host.console()).toContain('bad magic');
		},
	);
});
