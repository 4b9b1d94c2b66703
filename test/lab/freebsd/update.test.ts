import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../ability.ts';
import { makeWorld, type World } from '../world.ts';
import { publishUpdates } from './update-server.ts';

const WORK = '/var/db/freebsd-update';

describe.skipIf(LAB === null)('freebsd-update on a practice host (needs a practice host)', () => {
	let on: World;
	beforeAll(async () => {
		on = await makeWorld('14.3-RELEASE', '15.0-RELEASE');
		// The program that installs 15.0 is the one without EN-25:18.
		publishUpdates(on.mirror.dir, { noErrata: true });
	});
	afterAll(() => on.destroy());
	const said = async (script: string): Promise<string> => (await on.host.inside(script)).output;
	const on14 = (words: string): string => `env PAGER=cat freebsd-update ${words}`;

	test('fetches from cron only in its own words, and says that there is nothing to install with status 2', async () => {
		expect(await said('freebsd-update fetch; echo $?')).toMatch(/should not be run non-interactively\.\n.*cron instead\.\n1\n$/);
		const nothing = await said(
			`${on14('--not-running-from-cron fetch')}; freebsd-update updatesready; echo $?; freebsd-update install; echo $?`,
		);
		expect(nothing).toMatch(/No updates needed[\s\S]*No updates are available to install\.\n2\n[\s\S]*fetch' first\.\n2\n$/);
		expect(await said('freebsd-update rollback; echo $?')).toBe('No rollback directory found.\n1\n');
	});

	test('installs the kernel first, and tells by its files how far it is; without EN-25:18 nothing starts any more in the userland', async () => {
		const answers = "{ printf 'y\\nACCEPT\\nACCEPT\\n'; for n in 1 2 3 4 5; do sleep 1; echo y; done; }";
		await said(`${answers} | script -q /root/tty env PAGER=cat EDITOR=true freebsd-update -r 15.0-RELEASE upgrade`);
		const flags = `cd ${WORK}/*-install/ && ls | grep -v INDEX`;
		expect(await said(flags)).toBe('kernelfirst\n');
		// What it has stored is torn, and it installs that too.
		await said(`cd ${WORK}; echo torn >files/$(sed -n 's,^/boot/kernel/zfs.ko|.*|\\([^|]*\\)|$,\\1,p' *-install/INDEX-NEW).gz`);
		expect(await said(`freebsd-update install; echo $?; ${flags}`)).toMatch(/Please reboot and run\n.*\n0\nkerneldone\nkernelfirst\n$/);
		expect(await said('wc -c </boot/kernel/zfs.ko')).toBe('0\n');
		await on.host.inside('shutdown -r now');
		await on.host.upAgain(2);
		const { output } = await on.host.inside('freebsd-update install; echo $?; ls');
		expect(output).toContain('Shared object "libsys.so.7" not found, required by "libc.so.7"');
		expect((await on.host.inside('ls')).code).not.toBe(0);
	});
});
