import { userInfo } from 'node:os';
import { Readable } from 'node:stream';
import type { Options } from 'execa';
import { proveRoot } from './become.ts';
import { timedOut } from './errors.ts';
import { push } from './push.ts';
import { loader } from './push-script.ts';
import { shellCommand, shellInput } from './shell-input.ts';
import { type Become, DEFAULT_TIMEOUT_MS, type FeedOptions, type RunOptions, type RunResult, type Transport } from './transport.ts';

const NAME = 'this machine';
/** Status of a program that is not there, as sh tells it. */
const NOT_FOUND = 127;

/** Loaded with the first program that is started: it is a quarter of the time in which bsdup starts, and other hosts need it not. */
const execaModule = () => import('execa');

/** This machine as a host; `become`: how root is reached. See the contract in transport.ts. */
export function localTransport({ become }: { become: Become }): Transport {
	const [shell = 'sh', ...before] = shellCommand(become);

	/** Ends with the program, or at once with `stop`'s reason: what the program itself started may hold its output open. */
	const start = async (
		args: string[],
		input: string | Readable,
		stop: AbortSignal,
		{ onStdout, onBytes, encoding = 'utf8' }: RunOptions = {},
	): Promise<RunResult> => {
		const buffer = { stdout: onBytes === undefined };
		const options = { input, reject: false, stripFinalNewline: false, cancelSignal: stop, encoding, buffer } satisfies Options;
		const { execa } = await execaModule();
		stop.throwIfAborted();
		const child = execa(shell, args, options);
		const taken = onBytes === undefined ? undefined : takeAll(child.stdout, onBytes);
		if (onStdout !== undefined) child.stdout.setEncoding(encoding).on('data', (text: string) => !stop.aborted && onStdout(text));
		let giveUp = (): void => {};
		const stopped = new Promise<never>((_, reject) => {
			giveUp = () => {
				child.stdout.destroy();
				child.stderr.destroy();
				reject(stop.reason);
			};
			stop.addEventListener('abort', giveUp, { once: true });
		});
		try {
			const [{ exitCode, signal, stdout = '', stderr, shortMessage }] = await Promise.race([Promise.all([child, taken]), stopped]);
			if (exitCode === undefined && signal === undefined) return { code: NOT_FOUND, signal: null, stdout: '', stderr: shortMessage ?? '' };
			return { code: exitCode ?? null, signal: signal ?? null, stdout, stderr };
		} finally {
			stop.removeEventListener('abort', giveUp);
		}
	};
	const run = async (script: string, options: RunOptions = {}): Promise<RunResult> => {
		const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
		const time = new AbortController();
		const timer = setTimeout(() => time.abort(timedOut(NAME, timeoutMs)), timeoutMs);
		try {
			return await start(before, shellInput(script), signal === undefined ? time.signal : AbortSignal.any([time.signal, signal]), options);
		} finally {
			clearTimeout(timer);
		}
	};
	const feed = async (script: string, source: Readable, options: FeedOptions): Promise<RunResult> => {
		const { timeoutMs = DEFAULT_TIMEOUT_MS, signal, broken = (error) => error } = options;
		const stop = new AbortController();
		const timer = setTimeout(() => stop.abort(timedOut(NAME, timeoutMs)), timeoutMs);
		const input = Readable.from(
			(async function* () {
				yield Buffer.from(script);
				try {
					yield* source as AsyncIterable<Buffer>;
				} catch (error) {
					stop.abort(broken(error as Error));
				}
			})(),
		);
		const line = [...before, '-c', loader(script)];
		try {
			return await start(line, input, signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]), options);
		} finally {
			clearTimeout(timer);
			source.destroy();
		}
	};

	return {
		name: NAME,
		local: true,
		connect: () => proveRoot(NAME, userInfo().username, become, run),
		run,
		feed,
		push: (source, remotePath, options) => push({ name: NAME, run, feed }, source, remotePath, options),
		async terminal(line: string) {
			const { execa } = await execaModule();
			const result = await execa(shell, [...before, '-c', line], { stdio: 'inherit', reject: false });
			return { code: result.exitCode ?? null, signal: result.signal ?? null };
		},
		async close() {},
	};
}

/** Gives output to `take`, piece by piece; the program waits while one is taken. */
async function takeAll(output: Readable, take: (bytes: Buffer) => Promise<void>): Promise<void> {
	for await (const bytes of output as AsyncIterable<Buffer>) await take(bytes);
}
