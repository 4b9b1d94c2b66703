import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { environmentArgs } from './be-proof.ts';
import { before } from './stand-in.ts';

/** A partition of the second disk is mounted from here. */
const BOTH = ['esp', 'esp1'];

describe.skipIf(LAB === null)('the step that renews the loader (needs a practice host)', () => {
	let on: World;
	let lines: string;
	beforeAll(async () => {
		on = await makeWorld('14.3-RELEASE', '15.0-RELEASE');
		const { stdout } = await on.bsdup([...environmentArgs(on, 'plan'), '--format', 'json']);
		const plan = JSON.parse(stdout) as { dir: string; steps: { id: string; commands: string[] }[] };
		lines = `set -e\nmkdir -p ${plan.dir}\n${plan.steps.find(({ id }) => id === 'loader')?.commands.join('\n')}`;
		// What the sets would bring is laid by hand.
		const brought =
			'rm /boot/loader.efi; echo "LABLOADER 1500 FreeBSD/amd64" >/boot/loader.efi; echo pmbr >/boot/pmbr; echo new >/boot/gptzfsboot';
		await on.host.inside(`cp -Rp /lab/pool/esp/efi /lab/efi; : >/lab/mirror; ${brought}`);
	}, 60_000);
	// A pool on two disks, whose boot partitions are alike.
	beforeEach(async () => {
		await on.host.inside('cd /lab/pool && mkdir -p esp1 && rm -rf esp/efi esp1/efi && cp -Rp /lab/efi esp && cp -Rp /lab/efi esp1');
	});
	afterAll(() => on?.destroy());

	const inside = async (line: string): Promise<string> => (await on.host.inside(line)).output;
	const mounted = (): Promise<string> => inside('mount | grep msdosfs');

	test('does so on the EFI partition of each disk of a mirror, keeps the old one, and leaves nothing mounted that was not', async () => {
		await inside('mv /lab/pool/esp1/efi/boot/bootx64.efi /lab/pool/esp1/efi/boot/BOOTX64.EFI');
		const was = await mounted();
		const old = await inside('cat /lab/pool/esp/efi/freebsd/loader.efi');
		expect(await on.host.inside(lines)).toMatchObject({ code: 0 });
		for (const esp of BOTH) {
			for (const file of ['freebsd/loader.efi', esp === 'esp' ? 'boot/bootx64.efi' : 'boot/BOOTX64.EFI'])
				expect(await inside(`cmp /boot/loader.efi /lab/pool/${esp}/efi/${file} && echo same`)).toBe('same\n');
			expect(await inside(`cat /lab/pool/${esp}/efi/freebsd/loader.old`)).toBe(old);
			expect(await inside(`ls /lab/pool/${esp}/efi/freebsd`)).toBe('loader.efi\nloader.old\n');
		}
		expect(await mounted()).toBe(was);
		expect((await on.host.inside(lines)).output).not.toContain('is new');
	});

	test('puts no loader of 64 bits in the place of one of 32, which is renewed by its own or stays', async () => {
		const old = 'LABLOADER 1403 FreeBSD/i386';
		await inside(`rm -f /boot/loader_ia32.efi; echo "${old}" >/lab/pool/esp/efi/boot/BOOTIA32.EFI`);
		expect(await on.host.inside(lines)).toMatchObject({ code: 0, output: expect.stringContaining('there is no /boot/loader_ia32.efi') });
		expect(await inside('cat /lab/pool/esp/efi/boot/BOOTIA32.EFI')).toBe(`${old}\n`);
		await inside('echo "LABLOADER 1500 FreeBSD/i386" >/boot/loader_ia32.efi');
		expect(await on.host.inside(lines)).toMatchObject({ code: 0, output: expect.stringContaining('BOOTIA32.EFI is new') });
		expect(await inside('cmp /boot/loader.efi /lab/pool/esp/efi/freebsd/loader.efi && echo same')).toBe('same\n');
		expect(await inside('cat /lab/pool/esp/efi/boot/BOOTIA32.EFI /lab/pool/esp/efi/boot/BOOTIA32.old')).toBe(
			`LABLOADER 1500 FreeBSD/i386\n${old}\n`,
		);
		await inside('rm /boot/loader_ia32.efi');
	});

	test('leaves what another system laid there, and tells where one partition has no room, with the old loader in its place', async () => {
		await inside('echo "another system" >/lab/pool/esp1/efi/boot/bootx64.efi');
		const [end, old] = [before(on, 'cp', 'case "$2" in */esp/*.new) echo full >&2; echo torn >"$2"; exit 1 ;; esac'), 'LABLOADER 1403'];
		const { code, output } = await on.host.inside(lines);
		end();
		expect([code, output]).toEqual([0, expect.stringMatching(/no room for a new loader beside \S+\/esp\/efi\/freebsd\/loader\.efi/)]);
		expect(await inside('cat /var/db/bsdup/*/report.loader')).toMatch(/^(no room for a new loader beside .*, which stays as it is\n)+$/);
		expect(await inside('head -c 14 /lab/pool/esp1/efi/freebsd/loader.efi; ls /lab/pool/esp1/efi/freebsd')).toBe(`${old}loader.efi\n`);
		expect(await on.host.inside(lines)).toMatchObject({ code: 0, output: expect.stringContaining('is another system') });
		expect(await inside('cat /lab/pool/esp1/efi/boot/bootx64.efi')).toBe('another system\n');
		expect(await inside('cmp /boot/loader.efi /lab/pool/esp1/efi/freebsd/loader.efi && echo same')).toBe('same\n');
		expect(await mounted()).not.toContain('/esp ');
	});

	test('says of an EFI partition that is mounted read-only that it is, not that it has no room', async () => {
		await inside('/lab/real/bin/mount -o remount,bind,ro /boot/efi');
		const { code, output } = await on.host.inside(lines);
		await inside('/lab/real/bin/mount -o remount,bind,rw /boot/efi');
		expect([code, output]).toEqual([
			0,
			expect.stringContaining('/boot/efi/efi/freebsd cannot be written to, as where it is mounted read-only'),
		]);
		expect(output).not.toContain('no room');
		expect(await on.host.inside(lines)).toMatchObject({ code: 0 });
	});

	test('says which EFI partition holds no loader by a name that is known', async () => {
		await inside('rm -r /lab/pool/esp1/efi/freebsd; mv /lab/pool/esp1/efi/boot/bootx64.efi /lab/pool/esp1/efi/boot/other.efi');
		expect(await on.host.inside(lines)).toMatchObject({
			code: 0,
			output: expect.stringContaining('the EFI partition vtbd1p1 has neither'),
		});
		expect(await inside('cat /var/db/bsdup/*/report.loader')).toMatch(/^the EFI partition vtbd1p1 has neither.*\n$/);
	});

	test('says that there is no EFI partition, as on a card whose loader is on one of FAT', async () => {
		const end = before(on, 'gpart', 'echo "=> 63 62333889 mmcsd0 MBR (30G)"; echo "2048 102400 mmcsd0s1 fat32lba [active] (50M)"; exit');
		expect(await on.host.inside(lines)).toMatchObject({ code: 0, output: expect.stringMatching(/^no EFI partition here/m) });
		end();
		expect(await inside('cat /var/db/bsdup/*/report.loader')).toMatch(/^no EFI partition here.*\n$/);
	});

	test('says which EFI partition cannot be mounted, and renews the others', async () => {
		const end = before(on, 'mount', 'case "$*" in *" /dev/vtbd1p1 "*) echo "mount_msdosfs: $3: Device busy" >&2; exit 1 ;; esac');
		expect(await on.host.inside(lines)).toMatchObject({
			code: 0,
			output: expect.stringMatching(/freebsd\/loader\.efi is new[\s\S]*the EFI partition vtbd1p1 cannot be mounted/),
		});
		end();
		expect(await inside('cat /var/db/bsdup/*/report.loader')).toMatch(/^the EFI partition vtbd1p1 cannot be mounted.*\n$/);
	});

	test('knows an EFI partition of two disks by the name of their gmirror', async () => {
		await inside('sed "s/ pwd 1403/ gmirror 1403/" /bin/pwd >/sbin/gmirror; chmod 755 /sbin/gmirror');
		const end = before(on, 'gmirror', 'printf "mirror/esp  COMPLETE  vtbd%sp1 (ACTIVE)\\n" 0 1; exit');
		const busy = before(on, 'mount', 'case "$*" in *" /dev/vtbd"*) echo "mount_msdosfs: $3: Operation not permitted" >&2; exit 1 ;; esac');
		expect(await on.host.inside(lines)).toMatchObject({ code: 0, output: expect.stringMatching(/freebsd\/loader\.efi is new/) });
		busy();
		end();
		expect(await inside('cat /var/db/bsdup/*/report.loader')).toContain('No such file');
	});

	test('knows an EFI partition that is mounted by a name of before, which is kept as a link', async () => {
		const esp = 'mkdir -p /lab/old; /lab/real/bin/mount --bind /lab/pool/esp1 /lab/old; echo "/dev/nvd1p1 /lab/old" >>/lab/run/mounts';
		await inside(`ln -s vtbd1p1 /dev/nvd1p1; ${esp}`);
		const busy = before(
			on,
			'mount',
			'case "$*" in *" /dev/vtbd1p1 "*) echo "mount_msdosfs: $3: Operation not permitted" >&2; exit 1 ;; esac',
		);
		expect(await on.host.inside(lines)).toMatchObject({
			code: 0,
			output: expect.stringContaining('/lab/old/efi/freebsd/loader.efi is new'),
		});
		busy();
		await inside(
			'rm /dev/nvd1p1; sed "/nvd1p1/d" /lab/run/mounts >/lab/mounts.new; cp /lab/mounts.new /lab/run/mounts; /lab/real/bin/umount /lab/old',
		);
	});

	test.each([
		['that says it boots by BIOS', 'echo BIOS; exit'],
		['of before 10.1, which does not say', 'exit 1'],
	])('writes the boot code of the pool to each disk of a host %s, and touches no EFI partition', async (_host, says) => {
		await inside('rm -rf /lab/pool/bootcode');
		const end = before(on, 'sysctl', `case "$*" in "-n machdep.bootmethod") ${says} ;; esac`);
		expect(await on.host.inside(lines)).toMatchObject({ code: 0, output: expect.stringContaining('partcode written to vtbd1p2') });
		end();
		expect(await inside('cd /lab/pool/bootcode && tail -n 1 vtbd0 vtbd1 vtbd0p2 vtbd1p2 | grep -c -e ^pmbr -e ^new')).toBe('4\n');
		expect(readFileSync(join(on.host.dir, 'lab/log/processes'), 'utf8')).toMatch(
			/gpart bootcode -b \/boot\/pmbr -p \/boot\/gptzfsboot -i 2 vtbd0$/m,
		);
		expect(await inside('head -c 14 /lab/pool/esp/efi/freebsd/loader.efi')).toBe('LABLOADER 1403');
	});

	test('leaves boot code as it is where its partition is too small for the new, and says so', async () => {
		await inside('echo 3 >/lab/boot-room; rm -rf /lab/pool/bootcode');
		const end = before(on, 'sysctl', 'case "$*" in "-n machdep.bootmethod") echo BIOS; exit ;; esac');
		expect(await on.host.inside(lines)).toMatchObject({ code: 0 });
		end();
		expect(await inside('ls /lab/pool/bootcode; cat /var/db/bsdup/*/report.loader; rm /lab/boot-room')).toMatch(
			/No such file[\s\S]*^vtbd0p2 has 3 bytes, too few for the 4 of \/boot\/gptzfsboot: its boot code stays as it is[\s\S]*^vtbd1p2 has 3/m,
		);
	});
});
