import { execa } from 'execa';
import { counted } from './counted.ts';
import { pushFailed, timedOut } from './errors.ts';
import { pushScript } from './push-script.ts';
import { shellCommand, shellInput } from './shell-input.ts';
import type { Become, PushOptions, RunOptions, RunResult, Transport } from './transport.ts';

const NAME = 'this machine';
const DEFAULT_TIMEOUT_MS = 60_000;

/** This machine as a host; `become`: how root is reached. See the contract in transport.ts. */
export function localTransport({ become }: { become: Become }): Transport {
	const [shell = 'sh', ...before] = shellCommand(become);
	return {
		name: NAME,
		local: true,
		async connect() {},
		async run(script: string, options: RunOptions = {}): Promise<RunResult> {
			const timeout = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
			const child = execa(shell, before, {
				input: shellInput(script),
				reject: false,
				timeout,
				stripFinalNewline: false,
				...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
			});
			if (options.onStdout !== undefined) child.stdout.setEncoding('utf8').on('data', options.onStdout);
			const result = await child;
			if (result.timedOut) throw timedOut(NAME, timeout);
			return { code: result.exitCode ?? null, signal: result.signal ?? null, stdout: result.stdout, stderr: result.stderr };
		},
		async push(source: string | Buffer, remotePath: string, { mode, sha256, onBytes, signal }: PushOptions) {
			const result = await execa(shell, [...before, '-c', pushScript(remotePath, mode, sha256)], {
				input: counted(source, onBytes),
				reject: false,
				...(signal === undefined ? {} : { cancelSignal: signal }),
			});
			if (result.exitCode !== 0)
				throw pushFailed(
					NAME,
					remotePath,
					result.exitCode === 65 ? 'its SHA256 differs on arrival' : result.stderr || String(result.signal),
				);
		},
		async terminal(line: string) {
			const result = await execa(shell, [...before, '-c', line], { stdio: 'inherit', reject: false });
			return { code: result.exitCode ?? null, signal: result.signal ?? null };
		},
		async close() {},
	};
}
