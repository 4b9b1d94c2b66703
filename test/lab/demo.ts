import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.ts';
import { makeWorld } from './world.ts';

/** The main job, to be watched: a practice host goes from 7.7 to 7.8 over SSH. Installs nothing. */

const attended = process.argv.includes('--attended');

function cannot(): string | null {
	if (process.platform !== 'linux') return 'the practice host needs Linux';
	if (process.getuid?.() !== 0) return 'the practice host needs root for its disk and namespaces; run it as root';
	const missing = ['/usr/sbin/sshd', '/usr/bin/ssh-keygen', '/usr/bin/unshare'].filter((file) => !existsSync(file));
	if (missing.length > 0)
		return `this machine lacks ${missing.join(' ')}; on Debian: apt-get install openssh-server (nothing was installed for you)`;
	return null;
}

const why = cannot();
if (why !== null) {
	console.error(`The demo cannot run here: ${why}.`);
	process.exit(1);
}
for (const [file, instead] of [
	['/usr/bin/mksh', "the machine's own sh for ksh"],
	['/usr/bin/paxtar', 'GNU tar for the base tar'],
	['/usr/bin/signify-openbsd', 'no signify on the host'],
] as const) {
	if (!existsSync(file)) console.log(`(${file} is not here: ${instead})`);
}
console.log('A practice host with OpenBSD 7.7 and a mirror with 7.8 are started on this machine …');
const began = Date.now();
const world = await makeWorld('7.7', '7.8');
try {
	const { host } = world;
	const args = [
		join(ROOT, 'dist/src/cli.js'),
		'upgrade',
		host.ssh.spec,
		...host.flags,
		'--to',
		'7.8',
		'--mirror',
		world.mirror.url,
		'--backup-to',
		'/backup',
		'--backup',
		'/etc',
		'--backup',
		'/home',
		'--volume-size',
		'1M',
		...(attended ? [] : ['--unattended', '--yes']),
	];
	console.log(`$ bsdup ${args.slice(1).join(' ')}\n`);
	const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, BSDUP_STATE: world.state } });
	const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
	console.log(`\nThe host's console:\n${host.console().replace(/^/gm, '  | ')}`);
	const proof = await host.inside('sysctl -n kern.version | sed q; ls /var/db/pkg');
	console.log(`On the host now:\n${proof.output}`);
	console.log(code === 0 ? `Done in ${Math.round((Date.now() - began) / 1000)} s.` : `It ended with status ${code}.`);
	process.exitCode = code ?? 1;
} finally {
	await world.destroy();
}
