import { type ChildProcess, type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
	chmodSync,
	closeSync,
	copyFileSync,
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installSystem } from './install.ts';
import { RELEASES, type ReleaseName } from './releases.ts';
import { ROOT } from './root.ts';
import { stretchWire, type Wire } from './tcp-proxy.ts';
import { OLD_ALGORITHMS } from './tree.ts';

export interface PracticeOptions {
	release: ReleaseName;
	mirror: string;
	name?: string;
}

/** The least time from power on to a login. Milliseconds. */
const BOOT_LIMIT_MS = 20_000;
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A host that behaves like the system under upgrade; see the docs of boot.sh and gate.sh. Root only, with OpenSSH's sshd. */
export class PracticeHost {
	readonly name: string;
	readonly dir: string;
	#machine: ChildProcess | undefined;
	#wire!: Wire;
	#sshPort = 0;
	#sshConfig: string | undefined;
	#on = false;
	boots = 0;

	private constructor(name: string, dir: string) {
		this.name = name;
		this.dir = dir;
	}

	/** Installs a system on a disk of its own; off until `powerOn`. */
	static async create(options: PracticeOptions): Promise<PracticeHost> {
		const dir = mkdtempSync(join(MEMORY, 'bsdup-host-'));
		const host = new PracticeHost(options.name ?? 'practice', dir);
		for (const sub of ['lab/stand-ins', 'lab/log', 'lab/run', 'lab/ctl', 'lab/real', 'root'])
			mkdirSync(join(dir, sub), { recursive: true });
		copyFileSync(join(ROOT, 'test/lab/gate.sh'), join(dir, 'lab/gate'));
		chmodSync(join(dir, 'lab/gate'), 0o755);
		cpSync(join(ROOT, 'test/lab/stand-ins'), join(dir, 'lab/stand-ins'), { recursive: true });
		execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'id')]);
		host.#sshPort = await freePort();
		host.#wire = await stretchWire(() => host.#sshPort);
		writeFileSync(join(dir, 'lab/port'), `${host.#sshPort}\n`);
		execFileSync('truncate', ['-s', '2G', host.disk]);
		execFileSync('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=1,lazy_journal_init=1', host.disk]);
		host.withDisk((root) => {
			installSystem(root, options.release, {
				authorizedKey: readFileSync(join(dir, 'id.pub'), 'utf8'),
				name: host.name,
				mirror: options.mirror,
			});
			const type = RELEASES[options.release].modern ? 'ed25519' : 'rsa';
			const hostKey = join(root, `etc/ssh/ssh_host_${type}_key`);
			execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', hostKey]);
			const key = readFileSync(`${hostKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
			writeFileSync(join(dir, 'known_hosts'), `[127.0.0.1]:${host.#wire.port} ${key}\n`);
		});
		if (!RELEASES[options.release].modern) {
			// What an admin has to write before an old host can be reached.
			const lines = ['Host 127.0.0.1', ...OLD_ALGORITHMS.map((line) => `\t${line.replace(' ', ' +')}`)];
			host.#sshConfig = join(dir, 'ssh_config');
			writeFileSync(host.#sshConfig, `${lines.join('\n')}\n`);
		}
		process.once('exit', host.#kill);
		return host;
	}

	get disk(): string {
		return join(this.dir, 'disk');
	}

	/** How a controller reaches it. */
	get ssh(): { spec: string; port: number; identity: string; knownHosts: string } {
		return {
			spec: `root@127.0.0.1:${this.#wire.port}`,
			port: this.#wire.port,
			identity: join(this.dir, 'id'),
			knownHosts: join(this.dir, 'known_hosts'),
		};
	}

	/** Flags of the commands that reach it. */
	get flags(): string[] {
		const optIn = this.#sshConfig === undefined ? [] : ['--ssh-config', this.#sshConfig];
		return ['--identity', this.ssh.identity, '--known-hosts', this.ssh.knownHosts, ...optIn];
	}

	/** Boots, and boots again after each reboot, until it is up. */
	async powerOn(): Promise<void> {
		this.#on = true;
		this.#wire.mend();
		this.#boot();
		await this.up();
	}

	/** Resolves when it is up. Throws with the console when it does not come up in time. */
	async up(): Promise<void> {
		for (const end = Date.now() + BOOT_LIMIT_MS; Date.now() < end; ) {
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

	/** off | booting | up | stuck-kernel | panic | installer */
	get state(): string {
		if (this.#machine === undefined) return 'off';
		try {
			return readFileSync(join(this.dir, 'lab/run/state'), 'utf8').trim();
		} catch {
			return 'booting';
		}
	}

	#boot(): void {
		this.boots++;
		rmSync(join(this.dir, 'lab/run/state'), { force: true });
		const console = openSync(join(this.dir, 'console'), 'a');
		const machine = spawn(
			'unshare',
			[
				'--mount',
				'--pid',
				'--fork',
				'--kill-child',
				'--uts',
				'--ipc',
				'bash',
				join(ROOT, 'test/lab/boot.sh'),
				this.disk,
				join(this.dir, 'root'),
				join(this.dir, 'lab'),
				this.name,
			],
			{
				stdio: ['ignore', console, console],
				env: { ...process.env, LAB_NODE: process.execPath, LAB_MODULES: ROOT },
			},
		);
		closeSync(console);
		this.#machine = machine;
		machine.once('exit', (code) => {
			if (this.#machine !== machine) return;
			this.#machine = undefined;
			if (code === 10 && this.#on) setTimeout(() => this.#on && this.#boot(), 300);
		});
	}

	/** Pulls the plug: silence on the wire, and what was not on the disk at that instant is lost. */
	async powerCut(): Promise<void> {
		this.#wire.cut();
		execFileSync('cp', ['--sparse=always', this.disk, `${this.disk}.cut`]);
		await this.#off();
		renameSync(`${this.disk}.cut`, this.disk);
	}

	/** Turns it off without losing anything. */
	async powerOff(): Promise<void> {
		if (this.state === 'up') await this.inside('sync');
		await this.#off();
	}

	async #off(): Promise<void> {
		this.#on = false;
		const machine = this.#machine;
		this.#machine = undefined;
		if (machine?.exitCode !== null) return;
		const gone = new Promise((resolve) => machine.once('exit', resolve));
		machine.kill('SIGKILL');
		await gone;
		// The disk is only at rest when the kernel let go of its loop device.
		while (execFileSync('losetup', ['-j', this.disk], { encoding: 'utf8' }) !== '') await sleep(20);
	}

	cutNetwork(): void {
		this.#wire.cut();
	}

	mendNetwork(): void {
		this.#wire.mend();
	}

	console(): string {
		return readFileSync(join(this.dir, 'console'), 'utf8');
	}

	/** Every program that was started: `KERNEL LEVEL KIND PATH ARGS`. */
	processLog(): string[] {
		return readFileSync(join(this.dir, 'lab/log/processes'), 'utf8').trimEnd().split('\n');
	}

	/** Starts a program inside, as at the console, its three streams piped. */
	enter(argv: readonly string[], env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
		const pid = execFileSync('pgrep', ['-P', String(this.#machine?.pid ?? 0)], { encoding: 'utf8' }).trim();
		const vars = Object.entries({
			PATH: '/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin',
			HOME: '/root',
			TERM: 'vt220',
			...env,
		}).map(([name, value]) => `${name}=${value}`);
		return spawn('nsenter', ['-t', pid, '-m', '-p', '-u', '-i', 'env', '-i', ...vars, 'chroot', join(this.dir, 'root'), ...argv], {
			stdio: ['pipe', 'pipe', 'pipe'],
		});
	}

	/** Runs a line as at the console. Ends with a signal when the machine goes down meanwhile. */
	async inside(script: string, env: Record<string, string> = {}): Promise<{ code: number | null; signal: string | null; output: string }> {
		const child = this.enter(['/bin/sh', '-c', script], env);
		child.stdin.end();
		let output = '';
		for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
		return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, output })));
	}

	/** Looks at the disk while the machine is off. */
	withDisk<T>(use: (root: string) => T): T {
		const root = join(this.dir, 'mounted');
		mkdirSync(root, { recursive: true });
		execFileSync('mount', ['-o', 'loop', this.disk, root]);
		try {
			return use(root);
		} finally {
			execFileSync('umount', [root]);
		}
	}

	async destroy(): Promise<void> {
		await this.#off();
		this.#wire.close();
		process.off('exit', this.#kill);
		rmSync(this.dir, { recursive: true, force: true });
	}

	/** For a test run that ends early: nothing of the host outlives it. */
	readonly #kill = (): void => {
		this.#machine?.kill('SIGKILL');
		rmSync(this.dir, { recursive: true, force: true });
	};
}

/**
 * A loopback port that nobody listens on, below those the kernel gives to clients: a host's port is free while it reboots, and
 * a client's passing connection must not take it meanwhile.
 */
export async function freePort(): Promise<number> {
	for (;;) {
		const port = randomInt(10_000, 32_000);
		const server = createServer();
		const free = await new Promise<boolean>((resolve) => {
			server.once('error', () => resolve(false));
			server.listen(port, '127.0.0.1', () => resolve(true));
		});
		await new Promise((resolve) => server.close(resolve));
		if (free) return port;
	}
}
