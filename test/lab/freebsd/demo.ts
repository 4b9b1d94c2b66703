import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentDifferences } from '../../e2e/be-proof.ts';
import { ROOT } from '../root.ts';
import { makeWorld } from '../world.ts';
import { publishFreebsd } from './mirror.ts';

/** How many times sooner the practice host's long pauses end. */
const HURRY = 20;

/**
 * A FreeBSD practice host is upgraded in a boot environment, twice: the first one boots without sshd and goes back by itself, the
 * second stays. Prints what happens; returns the exit status.
 */
export async function freebsdDemo(): Promise<number> {
	const began = Date.now();
	if (!existsSync('/usr/bin/bsdtar')) console.log('(/usr/bin/bsdtar is not here: GNU tar for the base tar)');
	console.log('A practice host with FreeBSD 14.3 on ZFS and a mirror with 15.0 are started on this machine …');
	const world = await makeWorld('14.3-RELEASE', '15.0-RELEASE', { noSshd: true });
	try {
		const { host } = world;
		writeFileSync(join(host.dir, 'lab/hurry'), `${HURRY}\n`);
		const bsdup = (args: readonly string[]): Promise<number | null> => {
			console.log(`\n$ bsdup ${args.join(' ')}\n`);
			const child = spawn(process.execPath, [join(ROOT, 'dist/src/cli.js'), ...args], {
				stdio: 'inherit',
				env: { ...process.env, ...world.env },
			});
			return new Promise((resolve) => child.once('close', resolve));
		};
		const to = ['--to', '15.0-RELEASE', '--mirror', world.mirror.url, '--no-backup', '--watchdog', '1', '--unattended', '--yes'];
		const upgrade = ['upgrade', host.ssh.spec, ...host.flags, ...to];

		console.log('\nFirst: the sshd of the new system does not start, so nobody can reach it.');
		console.log(`It shall go back within a minute, which passes ${HURRY} times faster here.`);
		const sick = await bsdup(upgrade);
		console.log(`\nOn the host now:\n${(await host.inside('freebsd-version -kru; bectl list -H')).output}`);
		if (sick !== 1) return 1;
		if ((await bsdup(['rollback'])) !== 0) return 1;

		console.log('\nThen: the mirror has a system that is well.');
		publishFreebsd(world.mirror.dir, '15.0-RELEASE');
		const code = await bsdup(upgrade);
		console.log(`\nThe host's console:\n${host.console().replace(/^/gm, '  | ')}`);
		console.log(`On the host now:\n${(await host.inside('freebsd-version -kru; bectl list -H')).output}`);
		if (code !== 0) return 1;
		const wrong = await environmentDifferences(world);
		const proof = 'its kernel, files, /etc, packages and loader are those of 15.0, the old environment and /home are there';
		console.log(`Proof, from its disk: ${wrong.length === 0 ? proof : wrong.join('; ')}.`);
		console.log(`Done in ${Math.round((Date.now() - began) / 1000)} s.`);
		return wrong.length === 0 ? 0 : 1;
	} finally {
		await world.destroy();
	}
}
