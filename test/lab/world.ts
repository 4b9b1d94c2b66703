import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mirror, serveMirror } from './mirror.ts';
import { PracticeHost } from './practice-host.ts';
import { BSDUP } from './root.ts';
import { type PublishOptions, publishSystem, type SystemName } from './system.ts';

export interface Outcome {
	code: number | null;
	signal: NodeJS.Signals | null;
	stdout: string;
	stderr: string;
}

/** A mirror, a practice host and a controller's own state directory, with the built program to drive them. */
export interface World {
	mirror: Mirror;
	host: PracticeHost;
	state: string;
	/** What keeps a bsdup of this world off the person's own state, cache and config. */
	env: Record<string, string>;
	/** Runs `bsdup ARGS`; `onOutput` sees what it prints, with a way to end it. */
	bsdup(args: readonly string[], onOutput?: (text: string, kill: (signal: NodeJS.Signals) => void) => void): Promise<Outcome>;
	destroy(): Promise<void>;
}

/** Publishes `target`, installs `from` and powers it on. */
export async function makeWorld(from: SystemName, target: SystemName, options: PublishOptions = {}): Promise<World> {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-world-'));
	publishSystem(join(dir, 'mirror'), target, options);
	const mirror = await serveMirror(join(dir, 'mirror'));
	const host = await PracticeHost.create({ release: from, mirror: mirror.url });
	await host.powerOn();
	const state = join(dir, 'state');
	const env = { BSDUP_STATE: state, BSDUP_CACHE: join(dir, 'cache'), XDG_CONFIG_HOME: join(dir, 'config') };
	return {
		mirror,
		host,
		state,
		env,
		bsdup: (args, onOutput) => runProgram([...BSDUP, ...args], env, onOutput),
		async destroy() {
			await host.destroy();
			await mirror.stop();
			rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
		},
	};
}

function runProgram(
	argv: string[],
	env: Record<string, string>,
	onOutput?: (text: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Outcome> {
	const child = spawn(process.execPath, argv, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
	let stdout = '';
	let stderr = '';
	const hear = (text: string): void => onOutput?.(text, (signal) => void child.kill(signal));
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		stdout += text;
		hear(text);
	});
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		stderr += text;
		hear(text);
	});
	return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })));
}
