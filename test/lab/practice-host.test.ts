import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { NEEDS_DISK, whyNot } from './ability.ts';
import { PracticeHost } from './practice-host.ts';

let host: PracticeHost | undefined;
afterEach(() => host?.destroy());

describe('pulling the plug', () => {
	test.skipIf(whyNot('root') !== null)(
		`loses what was not synced, also when nobody waits for it before power on (${NEEDS_DISK})`,
		async () => {
			host = await PracticeHost.create({ release: '7.7', mirror: 'http://127.0.0.1:1', kind: 'root' });
			await host.powerOn();
			await host.inside('echo kept >/root/kept; sync; echo lost >/root/lost');
			// Somebody holds the disk a moment longer, as a machine that dies slowly does.
			const held = execFileSync('losetup', ['-f', '--show', join(host.dir, 'disk')], { encoding: 'utf8' }).trim();
			void host.powerCut();
			const on = host.powerOn();
			await sleep(500);
			const { boots } = host;
			execFileSync('losetup', ['-d', held]);
			expect(boots).toBe(1);
			await on;
			expect((await host.inside('cat /root/kept /root/lost 2>/dev/null')).output).toBe('kept\n');
		},
	);

	test.skipIf(whyNot('root') !== null)(
		`between two boots leaves one machine, also when it is on again at once (${NEEDS_DISK})`,
		async () => {
			host = await PracticeHost.create({ release: '7.7', mirror: 'http://127.0.0.1:1', kind: 'root' });
			await host.powerOn();
			void host.inside('reboot');
			while (host.state !== 'off') await sleep(5);
			await host.powerCut();
			await host.powerOn();
			await sleep(600);
			expect(host.boots).toBe(2);
		},
	);

	test.skipIf(whyNot('namespace') !== null)('is refused where nothing would be lost (needs user namespaces)', async () => {
		host = await PracticeHost.create({ release: '7.7', mirror: 'http://127.0.0.1:1', kind: 'namespace' });
		await host.powerOn();
		await expect(host.powerCut()).rejects.toThrow('a directory loses nothing');
	});
});
