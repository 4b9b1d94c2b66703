import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { ROOT } from '../lab/root.ts';
import { talk } from '../lab/terminal.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { targetFlags, upgradeArgs } from './proof.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

const PASSPHRASE = 'planted-Passphrase-5518';
const PASSWORD = 'planted-Password-7731';
/** Each as it is and as HTTP carries it. */
const PLANTED = [PASSPHRASE, PASSWORD, Buffer.from(`ann:${PASSWORD}`).toString('base64').slice(0, -2)];

/** Lines of a private key that tell it; the first is the same in every such key. */
const bodyOf = (file: string): string[] =>
	readFileSync(file, 'utf8')
		.split('\n')
		.filter((line) => /^[A-Za-z0-9+/=]{40,}$/.test(line))
		.slice(1);

/** How often one process is looked at. */
const READS = 8;

/** Looks at the words of every process of this machine, the practice host's among them, again and again; `stop` tells those with a secret. */
function watchProcesses(secrets: readonly string[]): { stop: () => { looks: number; telling: string[] } } {
	const telling = new Set<string>();
	const seen = new Map<string, number>();
	let looks = 0;
	const timer = setInterval(() => {
		looks++;
		for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
			// Its words change when it becomes another program, which it does soon or never.
			const times = (seen.get(pid) ?? 0) + 1;
			if (times > READS) continue;
			seen.set(pid, times);
			try {
				const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
				if (secrets.some((secret) => words.includes(secret))) telling.add(words);
			} catch {
				// it has ended
			}
		}
	}, 50);
	return {
		stop: () => {
			clearInterval(timer);
			return { looks, telling: [...telling] };
		},
	};
}

/** Files below `dir` that hold one of the secrets. */
function holding(dir: string, secrets: readonly string[]): string[] {
	const { stdout } = spawnSync('grep', ['-rlaF', ...secrets.flatMap((secret) => ['-e', secret]), dir], { encoding: 'utf8' });
	return stdout.split('\n').filter((line) => line !== '');
}

describe.skipIf(LAB === null)('what is secret (needs a practice host)', () => {
	test('is in no file, log, plan or error, on no screen, and among the words of no process, on either side', async () => {
		world = await makeWorld('7.7', '7.8');
		const { host, state, mirror } = world;
		const { identity } = host.ssh;
		const plainKey = bodyOf(identity);
		execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', PASSPHRASE, '-f', identity]);
		const secrets = [...PLANTED, ...plainKey, ...bodyOf(identity)];
		const url = mirror.url.replace('//', `//ann:${PASSWORD}@`);
		const config = join(state, '..', 'config');
		mkdirSync(join(config, 'bsdup'), { recursive: true });
		writeFileSync(join(config, 'bsdup/config.yaml'), `mirrors: ["${url}"]\n`, { mode: 0o600 });
		const env = { BSDUP_STATE: state, XDG_CONFIG_HOME: config };

		const watch = watchProcesses(secrets);
		const args = upgradeArgs(world, '7.8').filter((word, at, all) => word !== '--mirror' && all[at - 1] !== '--mirror');
		const asked: [string, string][] = [
			['passphrase of', PASSPHRASE],
			['passphrase of', PASSPHRASE],
		];
		const upgrade = await talk([process.execPath, join(ROOT, 'dist/src/cli.js'), ...args], asked, env);
		const { looks, telling } = watch.stop();
		expect(upgrade.shown).toContain('proven: OpenBSD 7.8');
		expect([upgrade.code, upgrade.unasked]).toEqual([0, []]);
		expect(looks).toBeGreaterThan(20);
		expect(telling).toEqual([]);
		expect(host.processLog().filter((line) => secrets.some((secret) => line.includes(secret)))).toEqual([]);

		const said = [upgrade.shown];
		const failing = [
			['facts', host.ssh.spec, ...host.flags],
			[
				'plan',
				host.ssh.spec,
				...host.flags,
				'--no-backup',
				...targetFlags(world, '7.8').with(-1, 'http://ann:planted-Password-7731@127.0.0.1:9'),
			],
			['resume', '--json'],
		];
		for (const line of failing) {
			const { code, stdout, stderr } = await world.bsdup(line);
			expect(line[0] === 'resume' || code !== 0).toBe(true);
			said.push(stdout, stderr);
		}
		expect(said.join('').length).toBeGreaterThan(1000);
		expect(secrets.filter((secret) => said.join('').includes(secret))).toEqual([]);
		expect(holding(state, secrets)).toEqual([]);
		await host.powerOff();
		expect(host.withDisk((root) => holding(root, secrets))).toEqual([]);
	});

	test('would be seen by this test', () => {
		const dir = join(ROOT, 'test/e2e');
		expect(holding(dir, [PASSWORD])).toContain(join(dir, 'secrets.test.ts'));
		expect(holding(dir, [`${PASSWORD}-not`])).toEqual([]);
	});
});
