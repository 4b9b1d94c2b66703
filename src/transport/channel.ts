import type { Client, ClientChannel, PseudoTtyOptions } from 'ssh2';
import { channelRefused, connectionLost, timedOut } from './errors.ts';
import type { RunOptions, RunResult } from './transport.ts';

/** What is started, and how it is fed. */
export interface Command {
	line: string;
	pty?: PseudoTtyOptions;
	/** Called once, when it runs; `fail` gives the command up with an error of its own. */
	feed(channel: ClientChannel, fail: (error: unknown) => void): void;
}

/**
 * Starts a command on a connection and waits for its end, its time, its abort or the connection's end, whichever is first.
 * Throws E_CHANNEL when the host starts nothing more on this connection; E_TIMEOUT, E_CONNECTION_LOST, or the abort's reason.
 */
export function runChannel(
	client: Client,
	name: string,
	command: Command,
	options: RunOptions & { timeoutMs: number },
): Promise<RunResult> {
	const { signal, timeoutMs, onStdout, onBytes, encoding = 'utf8' } = options;
	return new Promise((resolve, reject) => {
		if (signal?.aborted) return reject(signal.reason);
		let channel: ClientChannel | undefined;
		let ended = false;
		const end = (settle: () => void): void => {
			if (ended) return;
			ended = true;
			clearTimeout(timer);
			client.off('close', gone);
			signal?.removeEventListener('abort', abort);
			channel?.close();
			settle();
		};
		const fail = (error: unknown): void => end(() => reject(error));
		const gone = (): void => fail(connectionLost(name));
		const abort = (): void => fail(signal?.reason);
		const timer = setTimeout(() => fail(timedOut(name, timeoutMs)), timeoutMs);
		client.once('close', gone);
		signal?.addEventListener('abort', abort, { once: true });

		const opened = (error: (Error & { reason?: unknown }) | undefined, open: ClientChannel): void => {
			// ssh2 also reports the end of the connection here, as an error without a reason.
			if (error !== undefined) {
				fail(error.reason === undefined ? connectionLost(name, error) : channelRefused(name, error));
				return;
			}
			channel = open;
			if (ended) {
				channel.close();
				return;
			}
			let stdout = '';
			let stderr = '';
			let status: { code: number | null; signal: string | null } | undefined;
			let taken = Promise.resolve();
			if (onBytes !== undefined) {
				taken = takeAll(open, onBytes, () => ended);
				taken.catch(fail);
			} else {
				channel.setEncoding(encoding).on('data', (text: string) => {
					if (ended) return;
					stdout += text;
					onStdout?.(text);
				});
			}
			channel.stderr.setEncoding('utf8').on('data', (text: string) => {
				stderr += text;
			});
			channel.on('exit', (code: number | null, by?: string) => {
				status = { code, signal: by === undefined ? null : `SIG${by.replace(/^SIG/, '')}` };
			});
			channel.on('error', (cause: Error) => fail(connectionLost(name, cause)));
			channel.on('close', () => {
				const result = status;
				// A channel that closes without a status was torn down with its host.
				if (result === undefined) gone();
				else taken.then(() => end(() => resolve({ ...result, stdout, stderr })), fail);
			});
			command.feed(channel, fail);
		};
		try {
			if (command.pty === undefined) client.exec(command.line, opened);
			else client.exec(command.line, { pty: command.pty }, opened);
		} catch (error) {
			fail(connectionLost(name, error));
		}
	});
}

/** Gives a channel's output to `take`, piece by piece; the host is not read from while one is taken. */
async function takeAll(channel: ClientChannel, take: (bytes: Buffer) => Promise<void>, ended: () => boolean): Promise<void> {
	for await (const bytes of channel as AsyncIterable<Buffer>) {
		if (ended()) return;
		await take(bytes);
	}
}
