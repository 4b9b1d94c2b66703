import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LabKind, nsenterFlags, unshareFlags } from './namespaces.ts';
import { ROOT } from './root.ts';

/** What is waited for a login from power on, on a busy machine too. Milliseconds. */
const BOOT_LIMIT_MS = 60_000;
/** What it does not leave by itself. */
const STAYS = ['stuck-kernel', 'panic', 'installer', 'single-user'];
/** How long a reboot leaves the machine without a kernel. Milliseconds. */
const REBOOT_PAUSE_MS = 300;
/** boot.sh's status when a reboot was asked for. */
const REBOOT = 10;

export interface Inside {
	code: number | null;
	signal: string | null;
	output: string;
}

/** The hardware of a practice host: it runs a boot script on a disk in namespaces, again after each reboot. */
export class Machine {
	readonly #kind: LabKind;
	readonly #dir: string;
	readonly #disk: string;
	readonly #name: string;
	readonly #script: string;
	#process: ChildProcess | undefined;
	readonly #entered = new Set<ChildProcess>();
	/** Runs from the end of one kernel to the begin of the next. */
	#pause: NodeJS.Timeout | undefined;
	#on = false;
	boots = 0;

	/** `dir` holds `root`, `lab` and the console; `disk` is the boot script's, which lies at `script` in the package. */
	constructor(kind: LabKind, dir: string, disk: string, name: string, script: string) {
		this.#kind = kind;
		this.#dir = dir;
		this.#disk = disk;
		this.#name = name;
		this.#script = script;
	}

	/** Boots, and boots again after each reboot, until it is up. `kernel`: another one than /bsd, this once. */
	async on(kernel?: string): Promise<void> {
		this.#on = true;
		// Turned on between two boots it would run twice.
		clearTimeout(this.#pause);
		this.#boot(kernel);
		await this.up();
	}

	/** Resolves when it is up. Throws with the console when it does not come up, or not in time. */
	async up(): Promise<void> {
		for (const end = Date.now() + BOOT_LIMIT_MS; Date.now() < end && !STAYS.includes(this.state); ) {
			if (this.state === 'up') return;
			await sleep(30);
		}
		throw new Error(`the practice host is ${this.state}:\n${this.console().slice(-2000)}`);
	}

	/** Resolves when boot number `boot` is up. */
	async upAgain(boot: number): Promise<void> {
		for (const end = Date.now() + BOOT_LIMIT_MS; this.boots < boot && Date.now() < end; ) await sleep(30);
		if (this.boots < boot) throw new Error(`no reboot came:\n${this.console().slice(-2000)}`);
		await this.up();
	}

	/** off | booting | up | one of STAYS */
	get state(): string {
		if (this.#process === undefined) return 'off';
		try {
			return readFileSync(join(this.#dir, 'lab/run/state'), 'utf8').trim();
		} catch {
			return 'booting';
		}
	}

	#boot(kernel = ''): void {
		this.boots++;
		rmSync(join(this.#dir, 'lab/run/state'), { force: true });
		const console = openSync(join(this.#dir, 'console'), 'a');
		const machine = spawn(
			'unshare',
			[
				...unshareFlags(this.#kind),
				'bash',
				join(ROOT, this.#script),
				this.#disk,
				join(this.#dir, 'root'),
				join(this.#dir, 'lab'),
				this.#name,
			],
			{
				stdio: ['ignore', console, console],
				// chroot(8) lies where an ordinary user's PATH may not look.
				env: {
					...process.env,
					PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
					LAB_NODE: process.execPath,
					LAB_MODULES: ROOT,
					LAB_KERNEL: kernel,
				},
			},
		);
		closeSync(console);
		this.#process = machine;
		machine.once('exit', (code) => {
			if (this.#process !== machine) return;
			this.#process = undefined;
			if (code === REBOOT && this.#on) this.#pause = setTimeout(() => this.#boot(), REBOOT_PAUSE_MS);
		});
	}

	/** Ends everything inside at once. Resolves when it has ended. */
	async off(): Promise<void> {
		this.#on = false;
		// Turned off between two boots and on again at once, it would run twice.
		clearTimeout(this.#pause);
		const machine = this.#process;
		this.#process = undefined;
		if (machine?.exitCode !== null) return;
		const gone = new Promise((resolve) => machine.once('exit', resolve));
		machine.kill('SIGKILL');
		// nsenter(1) stands still with what it started, in the host's mounts, and would hold the disk.
		for (const child of this.#entered) child.kill('SIGKILL');
		await gone;
	}

	/** The same without waiting, for the end of this program. */
	kill(): void {
		this.#process?.kill('SIGKILL');
	}

	console(): string {
		return readFileSync(join(this.#dir, 'console'), 'utf8');
	}

	/** Starts a program inside, its three streams piped. */
	enter(argv: readonly string[], env: Record<string, string>): ChildProcessWithoutNullStreams {
		const vars = Object.entries({
			PATH: '/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin',
			HOME: '/root',
			TERM: 'vt220',
			...env,
		}).map(([name, value]) => `${name}=${value}`);
		const inside = ['env', '-i', ...vars, 'chroot', join(this.#dir, 'root'), ...argv];
		const child = spawn('nsenter', [...nsenterFlags(this.#kind, this.init), ...inside], { stdio: ['pipe', 'pipe', 'pipe'] });
		this.#entered.add(child);
		child.once('exit', () => this.#entered.delete(child));
		return child;
	}

	/** Runs a line as at the console. Ends with a signal when the machine goes down meanwhile. */
	async inside(script: string, env: Record<string, string>): Promise<Inside> {
		const child = this.enter(['/bin/sh', '-c', script], env);
		child.stdin.end();
		let output = '';
		for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
		return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, output })));
	}

	/** Holds everything inside still, as it is at this instant; only `off` comes after it. */
	freeze(): void {
		const space = (pid: string): string => {
			try {
				return readlinkSync(`/proc/${pid}/ns/pid`);
			} catch {
				return '';
			}
		};
		const init = this.#init();
		// Between two boots nothing runs inside.
		if (init === undefined) return;
		const own = space(String(init));
		const held = new Set<string>();
		// Again until nobody new is found: a process may have forked while the others were held.
		for (let found = true; found; ) {
			found = false;
			for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && !held.has(name) && space(name) === own)) {
				held.add(pid);
				found = true;
				try {
					process.kill(Number(pid), 'SIGSTOP');
				} catch {
					// it has just ended
				}
			}
		}
	}

	/** The first process inside, as seen from outside. */
	get init(): number {
		const init = this.#init();
		if (init === undefined) throw new Error('nothing runs inside');
		return init;
	}

	#init(): number | undefined {
		if (this.#process === undefined) return undefined;
		const { stdout } = spawnSync('pgrep', ['-P', String(this.#process.pid)], { encoding: 'utf8' });
		return stdout === '' ? undefined : Number(stdout);
	}
}
