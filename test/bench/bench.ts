import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJournal } from '../../src/journal/journal.ts';
import { BACKUP, targetFlags, upgradeArgs } from '../e2e/proof.ts';
import { ROOT } from '../lab/root.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { benchBackup } from './backup.ts';
import { benchFetch } from './fetch.ts';
import { pushFigures } from './push.ts';
import { median, show } from './show.ts';

/** Speed and memory beside their peers, measured in one run; each line shows its figure and its bound. */

const CLI = join(ROOT, 'dist/src/cli.js');
const RUNS = 7;

function timed(argv: string[]): number {
	const began = performance.now();
	spawnSync(process.execPath, argv, { stdio: 'ignore' });
	return performance.now() - began;
}

/** `bsdup --help` against `node -e 0`, in turn. */
function help(): void {
	const ours: number[] = [];
	const peer: number[] = [];
	for (let n = 0; n < RUNS; n++) {
		ours.push(timed([CLI, '--help']));
		peer.push(timed(['-e', '0']));
	}
	show('bsdup --help beside node -e 0', median(ours) / median(peer), 3, 'times');
}

async function planning(world: World): Promise<void> {
	const { host } = world;
	const time = async (args: string[]): Promise<number> => {
		const began = performance.now();
		await world.bsdup(args);
		return performance.now() - began;
	};
	const facts = await time(['facts', host.ssh.spec, ...host.flags]);
	const plan = await time(['plan', host.ssh.spec, ...host.flags, ...targetFlags(world, '7.8'), ...BACKUP]);
	show('planning beyond the facts', (plan - facts) / 1000, 1, 's');
}

/** The whole upgrade by bsdup; shows the controller's peak memory and gives the seconds its steps took, by its journal. */
async function byBsdup(world: World): Promise<number> {
	const child = spawn(process.execPath, [CLI, ...upgradeArgs(world, '7.8')], {
		stdio: 'ignore',
		env: { ...process.env, ...world.env },
	});
	let peak = 0;
	const look = setInterval(() => {
		try {
			peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
		} catch {
			// it has ended
		}
	}, 50);
	await new Promise((resolve) => child.once('close', resolve));
	clearInterval(look);
	show("the controller's peak memory", peak / 1024, 150, 'MiB');
	const run = readdirSync(world.state).find((name) => name.startsWith('run-')) ?? '';
	const { entries } = readJournal(join(world.state, run, 'journal.jsonl'));
	return ((entries.at(-1)?.t ?? Number.NaN) - (entries[0]?.t ?? Number.NaN)) / 1000;
}

/** The same lines as one sh script, started over ssh after each boot. */
async function byScript(world: World): Promise<number> {
	const { host } = world;
	writeFileSync(
		join(host.dir, 'lab/up.sh'),
		(await world.bsdup(['plan', host.ssh.spec, ...host.flags, ...targetFlags(world, '7.8'), ...BACKUP, '--unattended', '--format', 'sh']))
			.stdout,
	);
	const began = performance.now();
	for (let line = 'sh /lab/up.sh --yes'; ; line = 'sh /var/db/bsdup/run-*/resume.sh --yes') {
		const boots = host.boots;
		const ssh = spawn(
			'ssh',
			[
				'-i',
				host.ssh.identity,
				'-o',
				`UserKnownHostsFile=${host.ssh.knownHosts}`,
				'-o',
				'BatchMode=yes',
				'-p',
				String(host.ssh.port),
				'root@127.0.0.1',
				line,
			],
			{ stdio: 'ignore' },
		);
		if ((await new Promise((resolve) => ssh.once('close', resolve))) === 0) break;
		await host.upAgain(boots + 1);
	}
	return (performance.now() - began) / 1000;
}

help();
benchBackup(show);
const push = await pushFigures();
if (push === null) console.log('skip pushing: there is no sshd');
else {
	show("pushing 200 MiB beside ssh 'cat >file'", push.bsdup / push.cat, 1.5, 'times');
	console.log(
		`     (${push.bsdup.toFixed(2)} s by bsdup, hashed on arrival; ${push.cat.toFixed(2)} s by ssh, ${push.scp.toFixed(2)} s by scp)`,
	);
}
const first = await makeWorld('7.7', '7.8');
await planning(first);
const ours = await byBsdup(first);
await first.destroy();
const second = await makeWorld('7.7', '7.8');
const theirs = await byScript(second);
await second.destroy();
show('the upgrade beside one script over ssh', ours / theirs, 1.5, 'times');
console.log(`     (${ours.toFixed(1)} s by bsdup, ${theirs.toFixed(1)} s by the script)`);
await benchFetch();
