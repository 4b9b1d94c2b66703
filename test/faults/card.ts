import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PracticeHost } from '../lab/practice-host.ts';
import type { Cast } from './scene.ts';

/** For a host to come to single user mode. Milliseconds. */
const SINGLE_USER_MS = 60_000;

/**
 * Does what the recovery card says for a system that does not start, the card being the host's own: its install kernel is booted, and
 * either its shell is given the line that unpacks base, the disks mounted below /mnt, or it upgrades from the sets that are told. Where
 * the card has a boot environment of before, that is booted, and the result is true.
 */
export async function byCard({ host }: Cast): Promise<boolean> {
	const text = host.withDisk(cardOn);
	const [, environment] = /choose Boot Environments, then (\S+);/.exec(text) ?? [];
	if (environment !== undefined) {
		await host.powerOn(environment).catch(() => {});
		return true;
	}
	const answers = host.withDisk((root) => {
		const line = text.split('\n').find((one) => /^\s+cd \/mnt.*\btar /.test(one));
		if (line !== undefined) {
			execFileSync('sh', ['-ec', line.trim().replaceAll('/mnt', root)]);
			return undefined;
		}
		const { sets, kernels } = upgradeOn(text);
		const single = singleUserLines(text);
		if (single !== undefined) return { single };
		if (sets === undefined) throw new Error(`the card has no line that unpacks base, and names no sets:\n${text}`);
		const typed = ['Location of sets = disk', `Pathname to the sets = ${sets}`];
		return { kernels, typed: [...typed, 'Directory does not contain SHA256.sig. Continue without verification = yes', ''].join('\n') };
	});
	if (answers !== undefined && 'single' in answers) await inSingleUser(host, answers.single);
	else {
		if (answers !== undefined) writeFileSync(join(host.dir, 'lab/typed'), answers.typed);
		for (const kernel of answers?.kernels ?? [undefined]) {
			await host.powerOn(kernel).catch(() => {});
			if (host.state !== 'stuck-kernel') break;
			await host.powerOff();
		}
	}
	return false;
}

/** The recovery card of the run on a disk, in its system or in one of its boot environments. */
function cardOn(root: string): string {
	const systems = existsSync(join(root, 'be')) ? readdirSync(join(root, 'be')).map((name) => `be/${name}`) : [''];
	const cards = systems.flatMap((system) => {
		const runs = join(root, system, 'var/db/bsdup');
		return existsSync(runs) ? readdirSync(runs).map((run) => join(runs, run, 'RECOVERY')) : [];
	});
	const card = cards.find((file) => existsSync(file));
	if (card === undefined) throw new Error('the recovery card is not on the host');
	return readFileSync(card, 'utf8');
}

/** Types lines, of which the last reboots, into the static shell of single user mode. */
async function inSingleUser(host: PracticeHost, lines: string): Promise<void> {
	// It never says that it is up.
	void host.powerOn('-s').catch(() => {});
	for (const late = Date.now() + SINGLE_USER_MS; host.state !== 'single-user' && Date.now() < late; ) await sleep(30);
	const { boots } = host;
	const child = host.enter(['/rescue/sh', '-exc', lines]);
	child.stdin.end();
	let said = '';
	for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
	await new Promise((resolve) => child.once('close', resolve));
	await host.upAgain(boots + 1).catch((error: Error) => {
		throw new Error(`what the card has typed did not bring it up:\n${said}\n${error.message}`);
	});
}

/** The install kernels that a card has booted to upgrade by its sets, each where the one before is torn, and where those are, where it tells that. */
export function upgradeOn(card: string): { sets?: string | undefined; kernels: string[] } {
	const [, sets, kernel] = /the sets are on\s+the disk in ([^\s;]+)[\s\S]*?\n +boot \/(\S+)/.exec(card) ?? [];
	const [, other] = /is torn, [^\n]*: boot \/(\S+)\n/.exec(card) ?? [];
	return { sets, kernels: [kernel, other].filter((name) => name !== undefined) };
}

/** What a card tells to type in single user mode, where it does. */
function singleUserLines(card: string): string | undefined {
	return /\n( +\/rescue\/fsck -p[\s\S]*\n +reboot)\n/.exec(card)?.[1];
}

/** Cards that bring back a system which does not start: by single user mode, a shell of the install kernel, or its own upgrade. */
const HELPS = /\n +\/rescue\/fsck -p|\n +cd \/mnt.*\btar |the sets are on\s+the disk in /;

/** Whether the world of a host is half unpacked, so that it may be up and let nobody in, or have programs that do nothing. Turns it off. */
export async function isHalf({ host }: Cast): Promise<boolean> {
	await host.powerOff();
	return host.withDisk((root) => {
		const runs = join(root, 'var/db/bsdup');
		const run = existsSync(runs) ? (readdirSync(runs).find((name) => name.startsWith('run-')) ?? '') : '';
		const there = (name: string): boolean => existsSync(join(runs, run, name));
		if (!there('no-return') || there('sets.complete') || !there('RECOVERY')) return false;
		return HELPS.test(readFileSync(join(runs, run, 'RECOVERY'), 'utf8'));
	});
}
