import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../ability.ts';
import { PracticeHost } from '../practice-host.ts';
import { makeDistSet } from './mirror.ts';

describe.skipIf(LAB === null)('a FreeBSD practice host (needs a practice host)', () => {
	let host: PracticeHost;
	beforeAll(async () => {
		host = await PracticeHost.create({ release: '14.3-RELEASE', mirror: 'http://127.0.0.1:1' });
		await host.powerOn();
	});
	afterAll(() => host.destroy());

	const said = async (script: string): Promise<string> => (await host.inside(script)).output;
	/** Pulls the reset button, as far as a disk that loses nothing shows it. */
	async function reset(): Promise<void> {
		await host.powerOff();
		await host.powerOn();
	}

	test('keeps a file with the flag schg, and goes on with the others, unless tar is told to clear it', async () => {
		writeFileSync(
			join(host.dir, 'lab/set.txz'),
			makeDistSet([
				{ path: 'lib/libc.so.7', text: 'new\n', mode: 0o444 },
				{ path: 'boot/beside', text: 'new\n', mode: 0o444 },
			]),
		);
		await host.inside('bectl create flags && bectl mount flags /mnt');
		const kept = await host.inside('tar -xpf /lab/set.txz -C /mnt; echo $?; head -n 1 /mnt/lib/libc.so.7 /mnt/boot/beside');
		expect(kept.output).toMatch(/\.\/lib\/libc\.so\.7: .*Operation not permitted\n.*\n1\n[\s\S]*libc of 1403[\s\S]*new/);
		const cleared = await host.inside('tar -xpf /lab/set.txz -C /mnt --clear-nochange-fflags; echo $?; cat /mnt/lib/libc.so.7');
		expect(cleared.output).toBe('0\nnew\n');
		expect(await said('cat /lib/libc.so.7 /lab/pool/be/default/lib/libc.so.7 2>/dev/null | head -n 1')).toBe('libc of 1403\n');
		expect(await said('bectl umount flags && bectl destroy flags && bectl list -H | cut -f 1,2')).toBe('default\tNR\n');
	});

	test('boots an environment once, then the default again; activated for good it stays', async () => {
		await host.inside('bectl create next && bectl activate -t next');
		expect(await said('bectl list -H | cut -f 1,2')).toBe('default\tNR\nnext\tT\n');
		await reset();
		expect(await said('bectl list -H | cut -f 1,2; mount | head -n 1')).toMatch(/^default\tR\nnext\tN\nzroot\/ROOT\/next on \/ /);
		await reset();
		expect(await said('bectl list -H | cut -f 1,2')).toBe('default\tNR\nnext\t-\n');
		await host.inside('bectl activate -t next; bectl activate -T');
		await reset();
		expect(await said('bectl list -H | cut -f 1,2')).toBe('default\tNR\nnext\t-\n');
		await host.inside('bectl activate next');
		await reset();
		await reset();
		expect(await said('bectl list -H | cut -f 1,2')).toBe('default\t-\nnext\tNR\n');
		expect((await host.inside('bectl destroy next')).code).not.toBe(0);
		await host.inside('bectl activate default');
		await reset();
		await host.inside('bectl destroy -F next');
	});

	test('does not boot a torn kernel, and boots the default after a reset', async () => {
		await host.inside(
			'bectl create torn && bectl mount torn /mnt && echo x >>/mnt/boot/kernel/kernel && bectl umount torn && bectl activate -t torn',
		);
		await host.inside('shutdown -r now');
		await expect.poll(() => host.state, { timeout: 30_000 }).toBe('stuck-kernel');
		await reset();
		expect(await said('bectl destroy torn; bectl list -H | cut -f 1,2')).toBe('default\tNR\n');
	});

	test('boots by the fallback where the first loader is torn', async () => {
		await host.inside('cp /boot/efi/efi/freebsd/loader.efi /lab/keep; echo x >>/boot/efi/efi/freebsd/loader.efi');
		await reset();
		expect(host.console()).toContain('UEFI: esp/efi/freebsd/loader.efi does not load');
		await host.inside('cp /lab/keep /boot/efi/efi/freebsd/loader.efi');
	});

	test('kills a program of a newer base, and runs those of an older one', async () => {
		const start = (level: number): string =>
			`printf '#!/lab/gate\\n# base true ${level}\\n# end\\n' >/root/p && chmod 755 /root/p && /root/p; echo $?`;
		expect(await said(start(1500))).toMatch(/159\n$/);
		expect(await said(start(1300))).toBe('0\n');
	});
});
