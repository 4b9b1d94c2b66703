import { type ChildProcessWithoutNullStreams, execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { LAB, NO_LAB } from './ability.ts';
import { type Disk, makeDisk, workplace } from './disk.ts';
import { type Inside, Machine } from './machine.ts';
import type { LabKind } from './namespaces.ts';
import { ROOT } from './root.ts';
import { layStandIns, type PracticeSystem, type SystemName, systemOf } from './system.ts';
import { stretchWire, type Wire } from './tcp-proxy.ts';

export interface PracticeOptions {
	release: SystemName;
	mirror: string;
	name?: string;
	/** The best this machine can do when it is absent. */
	kind?: LabKind;
	/** One of the same release, mirror and kind that is off: its disk and keys are copied, which takes less than to install. */
	like?: PracticeHost;
}

/** A host that behaves like the system under upgrade; see the docs of boot.sh, gate.sh and ability.ts. */
export class PracticeHost {
	readonly name: string;
	readonly dir: string;
	readonly kind: LabKind;
	readonly #disk: Disk;
	readonly #machine: Machine;
	readonly #wire: Wire;
	#sshConfig: string | undefined;
	/** The end of a power cut or power off that somebody began, perhaps without waiting for it. */
	#goingOff: Promise<void> = Promise.resolve();

	private constructor(name: string, dir: string, kind: LabKind, system: PracticeSystem, wire: Wire) {
		this.name = name;
		this.dir = dir;
		this.kind = kind;
		this.#disk = makeDisk(kind, dir, system.diskGiB);
		this.#machine = new Machine(kind, dir, this.#disk.path, name, system.bootScript);
		this.#wire = wire;
	}

	/** Installs a system on a disk of its own; off until `powerOn`. Throws where this machine cannot have one. */
	static async create(options: PracticeOptions): Promise<PracticeHost> {
		const kind = options.kind ?? LAB;
		if (kind === null) throw new Error(`no practice host here: ${NO_LAB}`);
		const dir = workplace();
		const sshPort = await freePort();
		const system = systemOf(options.release);
		const host = new PracticeHost(options.name ?? 'practice', dir, kind, system, await stretchWire(() => sshPort));
		for (const sub of ['lab/stand-ins', 'lab/log', 'lab/run', 'lab/ctl', 'lab/real', 'root'])
			mkdirSync(join(dir, sub), { recursive: true });
		copyFileSync(join(ROOT, 'test/lab/gate.sh'), join(dir, 'lab/gate'));
		chmodSync(join(dir, 'lab/gate'), 0o755);
		layStandIns(system, join(dir, 'lab/stand-ins'));
		writeFileSync(join(dir, 'lab/port'), `${sshPort}\n`);
		if (kind === 'namespace') writeFileSync(join(dir, 'lab/ssh-server'), 'in the place of OpenSSH\n');
		if (options.like === undefined) host.#install(system, options.mirror);
		else
			for (const name of ['id', 'id.pub', 'host.pub', 'disk'])
				execFileSync('cp', ['-a', '--sparse=always', join(options.like.dir, name), dir]);
		const key = readFileSync(join(dir, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
		writeFileSync(join(dir, 'known_hosts'), `[127.0.0.1]:${host.#wire.port} ${key}\n`);
		if (system.sshConfig.length > 0) {
			host.#sshConfig = join(dir, 'ssh_config');
			writeFileSync(host.#sshConfig, `${system.sshConfig.join('\n')}\n`);
		}
		process.once('exit', host.#kill);
		return host;
	}

	/** Lays the system on the disk, with a key of a person who may log in and one of the host. */
	#install(system: PracticeSystem, mirror: string): void {
		const { dir } = this;
		execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'id')]);
		this.withDisk((disk) => {
			const root = system.install(disk, { authorizedKey: readFileSync(join(dir, 'id.pub'), 'utf8'), name: this.name, mirror });
			const hostKey = join(root, `etc/ssh/ssh_host_${system.hostKey}_key`);
			// The least an sshd takes today; more takes seconds to find.
			const bits = system.hostKey === 'rsa' ? ['-b', '2048'] : [];
			execFileSync('ssh-keygen', ['-q', '-t', system.hostKey, ...bits, '-N', '', '-f', hostKey]);
			copyFileSync(`${hostKey}.pub`, join(dir, 'host.pub'));
		});
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

	/** Times it was booted. */
	get boots(): number {
		return this.#machine.boots;
	}

	/** off | booting | up | stuck-kernel | panic | installer */
	get state(): string {
		return this.#machine.state;
	}

	/** Boots, and boots again after each reboot, until it is up. A power cut or power off that still goes on ends first. `kernel`: typed at the loader. */
	async powerOn(kernel?: string): Promise<void> {
		await this.#goingOff;
		this.#wire.mend();
		await this.#machine.on(kernel);
	}

	/** Resolves when boot number `boot` is up. */
	upAgain(boot: number): Promise<void> {
		return this.#machine.upAgain(boot);
	}

	/** Pulls the plug: silence on the wire, and what was not on the disk at that instant is lost. Needs a disk image. */
	async powerCut(): Promise<void> {
		this.#wire.cut();
		this.#machine.freeze();
		const loseTheRest = this.#disk.keep();
		this.#goingOff = this.#off().then(loseTheRest);
		await this.#goingOff;
	}

	/** Turns it off without losing anything. */
	powerOff(): Promise<void> {
		this.#goingOff = (async () => {
			if (this.state === 'up') await this.inside('sync');
			await this.#off();
		})();
		return this.#goingOff;
	}

	async #off(): Promise<void> {
		await this.#machine.off();
		await this.#disk.atRest();
	}

	/** Spoils the next upgrade by the install kernel, once: sh lines of boot.sh, with the tree as $root. */
	spoilUpgrade(lines: string): void {
		writeFileSync(join(this.dir, 'lab/upgrade.fault'), `${lines}\n`);
	}

	cutNetwork(): void {
		this.#wire.cut();
	}

	mendNetwork(): void {
		this.#wire.mend();
	}

	/** Ends every connection at once, as a firewall that was loaded anew does. */
	dropConnections(): void {
		this.#wire.drop();
	}

	/** `act` is called with the number of each piece of data on the wire, before it is passed on. */
	onPiece(act: (piece: number) => void): void {
		this.#wire.onPiece = act;
	}

	/** Its root as this machine sees it while it is on: what is done there needs no program of the host. */
	get tree(): string {
		return join(`/proc/${this.#machine.init}/root`, this.dir, 'root');
	}

	/** Somebody presses the button: an orderly reboot that starts no program of the host. */
	pressButton(): void {
		writeFileSync(join(this.dir, 'lab/ctl/reboot'), '');
	}

	/** Sets its clock this many seconds ahead or, negative, back of the true time. */
	setClock(seconds: number): void {
		writeFileSync(join(this.dir, 'lab/run/clock'), `${seconds}\n`);
	}

	console(): string {
		return this.#machine.console();
	}

	/** Every program that was started: `KERNEL LEVEL KIND PATH ARGS`. */
	processLog(): string[] {
		return readFileSync(join(this.dir, 'lab/log/processes'), 'utf8').trimEnd().split('\n');
	}

	/** Starts a program inside, as at the console, its three streams piped. */
	enter(argv: readonly string[], env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
		return this.#machine.enter(argv, env);
	}

	/** Runs a line as at the console. Ends with a signal when the machine goes down meanwhile. */
	inside(script: string, env: Record<string, string> = {}): Promise<Inside> {
		return this.#machine.inside(script, env);
	}

	/** Looks at the disk while the machine is off. */
	withDisk<T>(use: (root: string) => T): T {
		return this.#disk.use(use);
	}

	async destroy(): Promise<void> {
		await this.#goingOff;
		await this.#off();
		this.#wire.close();
		process.off('exit', this.#kill);
		rmSync(this.dir, { recursive: true, force: true });
	}

	/** For a test run that ends early: nothing of the host outlives it. */
	readonly #kill = (): void => {
		this.#machine.kill();
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
		if (!free) continue;
		await new Promise((resolve) => server.close(resolve));
		return port;
	}
}
