import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { publishUpdates } from '../lab/freebsd/update-server.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { before } from './stand-in.ts';
import { updateArgs } from './update-proof.ts';

const WORK = '/var/db/freebsd-update';
const LINK = `${WORK}/$(echo / | sha256 -q)-install`;

describe.skipIf(LAB === null)('bad input to an upgrade by freebsd-update (needs a practice host)', () => {
	let on: World;
	beforeAll(async () => {
		on = await makeWorld('14.3-RELEASE', '15.0-RELEASE');
		publishUpdates(on.mirror.dir);
	});
	afterAll(() => on.destroy());

	/** What `bsdup check` tells of a host that `spoil` has changed, and how it ends; `mend` takes the change back. */
	async function told(
		spoil: string,
		mend: string,
		args = updateArgs(on, 'check'),
	): Promise<{ code: number | null; ids: string[]; text: string }> {
		await on.host.inside(spoil);
		const { code, stdout, stderr } = await on.bsdup(args);
		await on.host.inside(mend);
		return { code, ids: [...stdout.matchAll(/^(?:warning: )?([a-z-]+): /gm)].map(([, id = '']) => id), text: stdout + stderr };
	}
	async function untouched(): Promise<void> {
		expect(
			(await on.host.inside(`bectl list -H | cut -f 1,2; ls -d ${WORK}/*-install ${WORK}/*-rollback 2>/dev/null; freebsd-version -kru`))
				.output,
		).toBe('default\tNR\n14.3-RELEASE-p2\n14.3-RELEASE-p2\n14.3-RELEASE\n');
	}

	test('a sound host', async () => {
		expect(await told(':', ':')).toEqual({ code: 0, ids: [], text: 'nothing speaks against going to 15.0\n' });
		await untouched();
	});

	test('everything that speaks against the host is told at once', async () => {
		const { code, ids, text } = await told(
			[
				'cp -Rp /etc /lab/etc; cp -Rp /lab/pool/be/default /lab/pool/be/14.3-before-15.0; echo 1 >/lab/securelevel; : >/lab/pkgbase; : >/lab/sick-pool',
				'echo "0 3 * * * root freebsd-update cron" >/etc/crontab; cp /lab/run/id /lab/id; echo MYKERNEL >/lab/run/id',
				'sed -i "s/^Components.*/Components src world/; s,^IgnorePaths.*,IgnorePaths /boot/kernel," /etc/freebsd-update.conf',
				'cp /lab/run/version /lab/version; sed -i s/14.3-RELEASE-p2/14.3-STABLE/ /lab/run/version',
				`/lab/real/bin/bash -c 'exec -a "freebsd-update -f /x install" /lab/real/bin/sleep 60' >/dev/null 2>&1 &`,
			].join('\n'),
			'/lab/real/bin/pkill -f "[f]reebsd-update -f /x"; rm -rf /lab/pool/be/14.3-before-15.0 /lab/securelevel /lab/pkgbase /lab/sick-pool /etc/crontab; mv /lab/id /lab/run/id; mv /lab/version /lab/run/version; cp -p /lab/etc/freebsd-update.conf /etc/',
		);
		const found = [
			...['host-kind', 'custom-kernel', 'half-upgraded', 'freebsd-update-cron', 'not-a-release', 'securelevel', 'update-runs'],
			...['components', 'ignored-paths', 'kept-name', 'pool'],
		];
		expect([code, ids]).toEqual([1, found]);
		expect(text).toContain('freebsd-update is incompatible with packaged base');
		await untouched();
	});

	test('a freebsd-update that was begun and left between kernel and userland', async () => {
		const { code, ids, text } = await told(
			`mkdir -p ${WORK}/install.x; for f in kernelfirst kerneldone; do : >${WORK}/install.x/$f; done; ln -s install.x "${LINK}"`,
			`rm -r ${WORK}/install.x "${LINK}"`,
		);
		expect([code, ids]).toEqual([1, ['freebsd-update']]);
		expect(text).toMatch(/freebsd-update install, until it has nothing more; its rollback would take back the install before/);
	});

	test('a release that does not exist, and a mirror, which it has no use for', async () => {
		const words = updateArgs(on, 'check').map((word) => (word === '15.0-RELEASE' ? '15.1-RELEASE' : word));
		const { code, ids, text } = await told(':', ':', [...words, '--mirror', on.mirror.url]);
		expect([code, ids]).toEqual([1, ['no-mirror', 'release-there']]);
		expect(text).toMatch(/the update server has no such release.*: 15\.1-RELEASE on 127\.0\.0\.1/);
	});

	test.each([
		['a release two major versions on', '16.0', /freebsd-update is kept for the life of 15/],
		['a snapshot', 'snapshot', /goes to releases only/],
	])('%s as the target', async (_what, to, says) => {
		const words = updateArgs(on, 'check').map((word) => (word === '15.0-RELEASE' ? to : word));
		const { code, text } = await told(':', ':', words);
		expect([code === 0, text]).toEqual([false, expect.stringMatching(says)]);
		await untouched();
	});

	test('a server that has no errata, so that libc would come before libsys: it ends before the release is fetched, and is taken back', async () => {
		publishUpdates(on.mirror.dir, { noErrata: true });
		const { boots } = on.host;
		const { code, stderr } = await on.bsdup(updateArgs(on));
		expect([code, stderr]).toEqual([
			1,
			expect.stringContaining('without EN-25:18 the upgrade would leave a system in which nothing starts'),
		]);
		expect(await on.bsdup(['rollback'])).toMatchObject({ code: 0, stderr: '' });
		expect(on.host.boots).toBe(boots);
		await untouched();
	});

	test.each([
		'Which of them shall it be? ',
		'Press Enter to return to editing this file.\n',
		'Press Enter to return to editing this file, or type "ACCEPT" to carry on with\nthese lines remaining in the file.\n',
	])('a freebsd-update that says what nobody here can answer (%j): it is killed, told, and taken back', async (says) => {
		publishUpdates(on.mirror.dir);
		// The ten minutes that it may stand there pass at once.
		writeFileSync(join(on.host.dir, 'lab/hurry'), '600\n');
		const asks = `case $* in *upgrade) while printf '${says}'; do read -r of </dev/tty || { : >/lab/went-on; exit 1; }; done ;; esac`;
		const end = before(on, 'freebsd-update', asks);
		const { code, stderr } = await on.bsdup(updateArgs(on));
		end();
		const last = says.trimEnd().split('\n').at(-1);
		expect([code, stderr]).toEqual([1, expect.stringContaining(`asks what is not known here, and was killed: ${last}`)]);
		expect(existsSync(join(on.host.dir, 'lab/went-on'))).toBe(false);
		expect(await on.bsdup(['rollback'])).toMatchObject({ code: 0, stderr: '' });
		await untouched();
	});

	test('a release past its end of life: told before anything of it is installed, taken all the same with --allow-older', async () => {
		publishUpdates(on.mirror.dir, { eol: { running: 1_700_000_000, target: 1_700_000_000 } });
		const { code, stderr, stdout } = await on.bsdup(updateArgs(on));
		expect(stdout).toContain('HAS PASSED ITS END-OF-LIFE DATE');
		expect([code, stderr]).toEqual([1, expect.stringMatching(/15\.0 is past its end of life[\s\S]*--allow-older/)]);
		expect(await on.bsdup(['rollback'])).toMatchObject({ code: 0, stderr: '' });
		await untouched();
		const all = await on.bsdup([...updateArgs(on), '--allow-older', '--dry-run']);
		expect([all.code, all.stdout]).toEqual([0, expect.not.stringContaining('end of life')]);
	});
});
