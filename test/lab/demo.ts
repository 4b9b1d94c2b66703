import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { differences } from '../e2e/proof.ts';
import { LAB, NO_LAB, whyNot } from './ability.ts';
import { freebsdDemo } from './freebsd/demo.ts';
import { ROOT } from './root.ts';
import { makeWorld } from './world.ts';

/**
 * The main job, to be watched: a practice host goes from 7.7 to 7.8 over SSH; with `--os freebsd` another from 14.3 to 15.0 in a boot
 * environment, after one that went back by itself. Installs nothing.
 */

const attended = process.argv.includes('--attended');
const os = process.argv.includes('--os') ? process.argv[process.argv.indexOf('--os') + 1] : 'openbsd';

if (os !== 'openbsd' && os !== 'freebsd') {
	console.error('--os openbsd or --os freebsd');
	process.exit(2);
}

if (NO_LAB !== null) {
	console.error(`The demo cannot run here: ${NO_LAB}. Nothing was installed.`);
	process.exit(1);
}
if (os === 'freebsd') {
	sayKind();
	process.exit(await freebsdDemo());
}
const began = Date.now();
sayWhatStandsFor();
sayKind();
console.log('A practice host with OpenBSD 7.7 and a mirror with 7.8 are started on this machine …');
const world = await makeWorld('7.7', '7.8');
try {
	const { host } = world;
	const args = [
		join(ROOT, 'dist/src/cli.js'),
		'upgrade',
		host.ssh.spec,
		...host.flags,
		'--method',
		'in-place',
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
	const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...world.env } });
	const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
	console.log(`\nThe host's console:\n${host.console().replace(/^/gm, '  | ')}`);
	const now = await host.inside('sysctl -n kern.version | sed q; ls /var/db/pkg');
	console.log(`On the host now:\n${now.output}`);
	process.exitCode = code ?? 1;
	if (code === 0) await sayTheEnd();
	else console.log(`It ended with status ${code}.`);
} finally {
	await world.destroy();
}

/** Which programs are not the real thing on this machine, before anything starts. */
function sayWhatStandsFor(): void {
	const stands = [
		['/usr/bin/mksh', "the machine's own sh for ksh"],
		['/usr/bin/paxtar', 'GNU tar for the base tar'],
		['/usr/bin/signify-openbsd', "bsdup's own verification for signify"],
	] as const;
	for (const [file, instead] of stands) if (!existsSync(file)) console.log(`(${file} is not here: ${instead})`);
}

/** The same of the practice host itself. */
function sayKind(): void {
	if (LAB !== 'namespace') return;
	console.log(`The practice host runs in a user namespace of one uid, for the full one cannot be had (${whyNot('root')}). So here`);
	console.log("  ssh2's server class stands for OpenSSH's sshd,");
	console.log('  a directory stands for the disk: a power cut would lose nothing,');
	console.log('  all files belong to one user: owners are not compared.');
}

/** Looks at the host's disk past bsdup, and tells how long the host was away, from the run's journal. */
async function sayTheEnd(): Promise<void> {
	const wrong = await differences(world, '7.8');
	if (wrong.length > 0) process.exitCode = 1;
	const proof = 'its kernel, files, devices, /etc and packages are those of 7.8, and /home is untouched';
	console.log(`Proof, from its disk: ${wrong.length === 0 ? proof : wrong.join('; ')}.`);
	const run = readdirSync(world.state).find((name) => name.startsWith('run-')) ?? '';
	const down = readFileSync(join(world.state, run, 'journal.jsonl'), 'utf8')
		.split('\n')
		.filter((line) => line.includes('"verdict"'))
		.map((line) => (JSON.parse(line) as { downMs: number }).downMs / 1000);
	const sum = down.reduce((all, one) => all + one, 0);
	console.log(
		`The host was down for ${sum.toFixed(1)} s in ${down.length} reboots (${down.map((one) => `${one.toFixed(1)} s`).join(', ')}).`,
	);
	console.log(`Done in ${Math.round((Date.now() - began) / 1000)} s.`);
}
