import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishUpdates } from '../lab/freebsd/update-server.ts';
import { type Mirror, serveMirror } from '../lab/mirror.ts';
import { PracticeHost } from '../lab/practice-host.ts';
import { RELEASES, type ReleaseName } from '../lab/releases.ts';
import { BSDUP } from '../lab/root.ts';
import { publishSystem, type SystemName } from '../lab/system.ts';
import { Trap } from './trap.ts';
import { flagsOf, type Upgrade } from './upgrades.ts';

export interface Ended {
	code: number | null;
	output: string;
}

/** A program that carries the upgrade, as it runs. */
export interface Running {
	ended: Promise<Ended>;
	/** Boots of the host when it began. */
	boots: number;
	/** kill -9 */
	kill(): void;
}

/** For what a program said right before its end to come through. Milliseconds. */
const LAST_WORDS_MS = 100;
const RESUME_SH = 'sh /var/db/bsdup/run-*/resume.sh --yes';

/** What all cases of one upgrade share: the mirror and a host as it is installed, which nobody changes, and the script. */
export class Scene {
	readonly #dir = mkdtempSync(join(tmpdir(), 'bsdup-faults-'));
	readonly upgrade: Upgrade;
	#mirror: Mirror | undefined;
	#installed: PracticeHost | undefined;
	#script: string | undefined;

	constructor(upgrade: Upgrade) {
		this.upgrade = upgrade;
	}

	async open(): Promise<void> {
		const top = join(this.#dir, 'mirror');
		publishSystem(top, this.upgrade.target);
		if (this.upgrade.method === 'freebsd-update') publishUpdates(top);
		this.#mirror = await serveMirror(top);
		this.#installed = await PracticeHost.create({ release: this.upgrade.from, mirror: this.#mirror.url });
	}

	async close(): Promise<void> {
		await this.#installed?.destroy();
		await this.#mirror?.stop();
		rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5 });
	}

	/** The archives that the zone unpacks into the running system, by name. */
	get sets(): Record<string, Buffer> {
		const { method, target } = this.upgrade;
		if (method !== 'in-place' || !isOpenbsd(target)) return {};
		const dir = join(this.#dir, 'mirror', RELEASES[target].folder);
		const names = readdirSync(dir).filter((name) => /^(base|comp|man|game|x\w+)\d+\.tgz$/.test(name) && !name.startsWith('xetc'));
		return Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name))]));
	}

	/** A new host, which is up, and what carries its upgrade. */
	async cast(): Promise<Cast> {
		const { from, over } = this.upgrade;
		if (this.#installed === undefined) throw new Error('the scene is not open');
		const host = await PracticeHost.create({ release: from, mirror: this.#mirror?.url ?? '', like: this.#installed });
		const trap = new Trap(host);
		const args = [...flagsOf(this.upgrade, this.#mirror?.url ?? ''), '--unattended', '--yes'];
		await host.powerOn();
		if (over === 'ssh') return new Elsewhere(host, trap, args);
		if (isOpenbsd(from) && RELEASES[from].modern) return new AtConsole(host, trap, args);
		const cast = new ByScript(host, trap, args);
		// Written once: it is made of facts in which no two of these hosts differ.
		this.#script ??= await cast.write();
		writeFileSync(join(host.dir, 'lab/up.sh'), this.#script);
		return cast;
	}
}

function isOpenbsd(name: SystemName): name is ReleaseName {
	return name in RELEASES;
}

/** A host with what carries its upgrade. */
export abstract class Cast {
	readonly host: PracticeHost;
	readonly trap: Trap;
	protected readonly args: readonly string[];

	/** `args`: of the upgrade. */
	constructor(host: PracticeHost, trap: Trap, args: readonly string[]) {
		this.host = host;
		this.trap = trap;
		this.args = args;
	}

	/** Begins the upgrade as a person does. */
	abstract begin(): Running;
	/** What a person types after a cut. */
	abstract goOn(): Running;
	/** What they type who want the host as it was. */
	abstract goBack(): Running;

	/** Begins it, and after each reboot that it waits for goes on, until it ends otherwise. */
	async through(first: Running, next = (): Running => this.goOn()): Promise<Ended> {
		let running = first;
		for (;;) {
			const ended = await running.ended;
			if (ended.code === 0 || !/After it, log in as root/.test(ended.output)) return ended;
			const back = await this.host.upAgain(running.boots + 1).then(
				() => true,
				() => false,
			);
			if (!back) return ended;
			running = next();
		}
	}

	async destroy(): Promise<void> {
		await this.host.destroy();
	}
}

/** bsdup on another machine. */
class Elsewhere extends Cast {
	begin(): Running {
		return this.run(this.upgrade(), this.trap.env());
	}

	goOn(): Running {
		// Cut before its folder was a run there is nothing to resume, which it says, and a person begins.
		return this.run(this.begun ? ['resume', '--yes', '--patience', '3'] : this.upgrade(), this.trap.env());
	}

	goBack(): Running {
		return this.run(this.begun ? ['rollback', '--patience', '3'] : ['--version']);
	}

	private get begun(): boolean {
		const state = join(this.host.dir, 'state');
		return existsSync(state) && readdirSync(state).some((name) => existsSync(join(state, name, 'host.json')));
	}

	private upgrade(): string[] {
		return ['upgrade', this.host.ssh.spec, ...this.host.flags, ...this.args, '--patience', '3'];
	}

	/** Runs a bsdup with the state of this controller. */
	run(args: readonly string[], more: Record<string, string> = {}): Running {
		const { dir } = this.host;
		const env = { BSDUP_STATE: join(dir, 'state'), BSDUP_CACHE: join(dir, 'cache'), XDG_CONFIG_HOME: join(dir, 'config'), ...more };
		const child = spawn(process.execPath, [...BSDUP, ...args], {
			env: { ...process.env, ...env },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		let output = '';
		for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
		return {
			ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, output }))),
			boots: this.host.boots,
			kill: () => void child.kill('SIGKILL'),
		};
	}
}

/** bsdup on the host itself, and its script while node does not start. */
class AtConsole extends Cast {
	protected readonly cli = 'node /lab/package/dist/src/cli.js';

	begin(): Running {
		return this.type(`${this.cli} upgrade ${this.args.join(' ')}`, this.trap.env('/lab/trap', '/lab/package'));
	}

	goOn(): Running {
		const begin = `${this.cli} upgrade ${this.args.join(' ')}`;
		return this.type(
			`if [ -f /var/db/bsdup/run-*/resume.sh ]; then ${RESUME_SH}; else ${begin}; fi`,
			this.trap.env('/lab/trap', '/lab/package'),
		);
	}

	goBack(): Running {
		return this.type('if [ -f /var/db/bsdup/run-*/resume.sh ]; then sh /var/db/bsdup/run-*/resume.sh rollback; fi');
	}

	/** Types a line at the host's console. */
	protected type(line: string, env: Record<string, string> = {}): Running {
		const { host } = this;
		const child = host.enter(['/bin/sh', '-c', line], { BSDUP_STATE: '/var/bsdup', BSDUP_CACHE: '/var/cache', ...env });
		child.stdin.end();
		let output = '';
		for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
		// What a killed script leaves behind may hold its output open.
		const ended = new Promise<Ended>((resolve) => child.once('exit', (code) => setTimeout(() => resolve({ code, output }), LAST_WORDS_MS)));
		const kill = (): void => {
			const pattern = 'cli[.]js (upgrade|resume)|resume[.]sh --yes$|up[.]sh --yes$';
			host.enter(['/lab/real/bin/pkill', '-9', '-f', pattern]).stdin.end();
		};
		return { ended, boots: host.boots, kill };
	}
}

/** The script alone, where nothing of ours starts. */
class ByScript extends AtConsole {
	/** Writes the script, on another machine. */
	async write(): Promise<string> {
		const { host } = this;
		const elsewhere = new Elsewhere(host, this.trap, this.args);
		const facts = join(host.dir, 'facts.json');
		writeFileSync(facts, (await elsewhere.run(['facts', host.ssh.spec, ...host.flags, '--json']).ended).output);
		const args = this.args.filter((word) => word !== '--yes');
		const script = join(host.dir, 'up.sh');
		const made = await elsewhere.run(['plan', '--facts', facts, ...args, '--format', 'sh', '--out', script]).ended;
		if (made.code !== 0) throw new Error(made.output);
		return readFileSync(script, 'utf8');
	}

	override begin(): Running {
		return this.type('sh /lab/up.sh --yes');
	}

	override goOn(): Running {
		return this.type(`if [ -f /var/db/bsdup/run-*/resume.sh ]; then ${RESUME_SH}; else sh /lab/up.sh --yes; fi`);
	}
}
