import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../ability.ts';
import { PracticeHost } from '../practice-host.ts';

describe.skipIf(LAB === null)('a FreeBSD practice host on UFS (needs a practice host)', () => {
	let host: PracticeHost;
	beforeAll(async () => {
		host = await PracticeHost.create({ release: '14.3-UFS', mirror: 'http://127.0.0.1:1' });
		await host.powerOn();
	});
	afterAll(() => host.destroy());

	const said = async (script: string): Promise<string> => (await host.inside(script)).output;
	/** Types it into a shell that is static, as in single user mode. */
	async function rescue(script: string): Promise<string> {
		const child = host.enter(['/rescue/sh', '-c', script]);
		child.stdin.end();
		let output = '';
		for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
		await new Promise((resolve) => child.once('close', resolve));
		return output;
	}
	async function reset(): Promise<void> {
		await host.powerOff();
		await host.powerOn();
	}
	/** A kernel of another release beside the one that is there. */
	const newKernel = "cp -Rp /boot/kernel /boot/kernel.next && echo 'version' >/dev/null";

	test('starts nothing that is not static while libc is of 15 and libsys is not there', async () => {
		await said(
			'cp -p /lib/libc.so.7 /root/libc; chflags noschg /lib/libc.so.7; sed "1s/1403/1500/" /root/libc >/root/new; cp /root/new /lib/libc.so.7',
		);
		const trapped = await host.inside(':');
		expect([trapped.code, trapped.output]).toEqual([1, 'ld-elf.so.1: Shared object "libsys.so.7" not found, required by "libc.so.7"\n']);
		expect(await rescue('/bin/ls; /rescue/ls /lib/libc.so.7')).toMatch(
			/^ld-elf\.so\.1: .*"libsys\.so\.7" not found.*\n\/lib\/libc\.so\.7\n$/,
		);
		await rescue('echo x >/lib/libsys.so.7');
		expect(await said('echo well')).toBe('well\n');
		await rescue('/rescue/rm /lib/libc.so.7');
		expect((await host.inside(':')).output).toContain('"libc.so.7" not found');
		await rescue('/rescue/cp /root/libc /lib/libc.so.7; /rescue/rm /lib/libsys.so.7');
		expect(await said('echo well')).toBe('well\n');
	});

	test('keeps names with the flag schg from rm, mv and tar until it is cleared', async () => {
		expect((await host.inside('rm -f /sbin/init')).output).toBe('rm: /sbin/init: Operation not permitted\n');
		expect((await host.inside('cp /sbin/init /root/init; mv -f /root/init /sbin/init')).code).toBe(1);
		expect(
			await said(
				'chflags noschg /sbin/init && mv -f /root/init /sbin/init; stat -f %Sf /sbin/init; chflags schg /sbin/init; stat -f %Sf /sbin/init',
			),
		).toBe('-\nschg\n');
	});

	test('boots once what nextboot names, then again what loader.conf names, or the kernel', async () => {
		await said(newKernel);
		expect((await host.inside('nextboot -k none')).output).toContain("doesn't exist");
		expect(await said('sysctl -n kern.bootfile; nextboot -k kernel.next')).toBe('/boot/kernel/kernel\n');
		await reset();
		expect(await said('sysctl -n kern.bootfile; ls /boot/nextboot.conf 2>/dev/null')).toBe('/boot/kernel.next/kernel\n');
		await reset();
		expect(await said('sysctl -n kern.bootfile; echo \'kernel="kernel.next"\' >>/boot/loader.conf')).toBe('/boot/kernel/kernel\n');
		await reset();
		expect(await said('sysctl -n kern.bootfile; sed -i /next/d /boot/loader.conf')).toBe('/boot/kernel.next/kernel\n');
		await reset();
	});

	test('stays in its loader with a torn kernel that is booted once, and boots the other after a reset', async () => {
		await said('echo x >>/boot/kernel.next/kernel; nextboot -k kernel.next; sync; shutdown -r now');
		await expect.poll(() => host.state, { timeout: 30_000 }).toBe('stuck-kernel');
		await reset();
		expect(await said('sysctl -n kern.bootfile; rm -rf /boot/kernel.next')).toBe('/boot/kernel/kernel\n');
	});

	test('with a torn init and sh comes up in single user mode, where what is static starts', async () => {
		await said('cp /bin/sh /root/sh; cp /sbin/init /root/init; chflags noschg /sbin/init; : >/sbin/init; : >/bin/sh');
		await host.powerOff();
		void host.powerOn().catch(() => {});
		await expect.poll(() => host.state, { timeout: 30_000 }).toBe('single-user');
		expect(host.console()).toContain('Enter full pathname of shell');
		await rescue('/rescue/cp /root/sh /bin/sh; /rescue/cp /root/init /sbin/init; /rescue/sync');
		await reset();
		expect(await said('echo well')).toBe('well\n');
	});
});
