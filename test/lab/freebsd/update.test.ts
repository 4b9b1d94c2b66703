import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB } from '../ability.ts';
import { makeWorld, type World } from '../world.ts';
import { publishUpdates } from './update-server.ts';

describe.skipIf(LAB === null)('freebsd-update on a practice host (needs a practice host)', () => {
	let on: World;
	beforeAll(async () => {
		on = await makeWorld('14.3-RELEASE', '15.0-RELEASE');
		publishUpdates(on.mirror.dir);
	});
	afterAll(() => on.destroy());
	const said = async (script: string): Promise<string> => (await on.host.inside(script)).output;
	test('goes', async () => {
		console.log(await said('freebsd-update fetch; freebsd-update --not-running-from-cron fetch; echo $?; freebsd-update updatesready; freebsd-update install; echo $?; freebsd-version -kru'));
		await on.host.powerOff(); await on.host.powerOn();
		console.log(await said(`printf '#!/bin/sh\\necho edited $1 >/lab/edited; cp "\${1#*/merge/new}" "$1"\\n' >/root/ed; chmod 755 /root/ed; { sleep 2; echo y; while sleep 1; do echo y; [ ! -f /lab/done ] || break; done; } | { script -q -t 0 /root/tty env PAGER=cat EDITOR=/root/ed freebsd-update -r 15.0-RELEASE upgrade; echo $?; : >/lab/done; }; ls -l /var/db/freebsd-update; ls /var/db/freebsd-update/*-install/; cat /lab/edited`));
		console.log(await said('freebsd-update install; echo $?; freebsd-version -kru;  ls /var/db/freebsd-update/*-install/; bectl list'));
		await on.host.powerOff(); await on.host.powerOn();
		console.log(await said('freebsd-update install; echo $?; freebsd-version -kru;  ls /var/db/freebsd-update/*-install/; bectl list; service sshd status; cat /etc/master.passwd /etc/motd.template /etc/freebsd-update.conf; ls /usr/lib /usr/sbin'));
		console.log(await said('freebsd-update install; echo $?; freebsd-version -kru;  ls -l /var/db/freebsd-update/; bectl list; service sshd status; ls /usr/lib; freebsd-update install; echo $?'));
		console.log(await said('freebsd-update rollback; echo $?; freebsd-version -kru;  ls -l /var/db/freebsd-update/; freebsd-update rollback; ls -l /var/db/freebsd-update; freebsd-version -kru; freebsd-update rollback; echo $?; cd /lab/pool/be; for f in $(cd default; find . -type f); do cmp -s default/$f 14.3-RELEASE-p5_*/$f || echo $f; done | head -50'));
	}, 100000);
});
