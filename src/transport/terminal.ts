import type { ClientChannel } from 'ssh2';
import type { RunResult } from './transport.ts';

/** Joins a pty channel with the person's terminal until the command ends; the terminal is always left as it was. */
export async function onTerminal(channel: ClientChannel, ended: Promise<RunResult>): Promise<RunResult> {
	const { stdin, stdout } = process;
	const raw = stdin.isTTY;
	const resize = (): void => channel.setWindow(stdout.rows ?? 24, stdout.columns ?? 80, 0, 0);
	if (raw) stdin.setRawMode(true);
	stdin.pipe(channel);
	channel.pipe(stdout, { end: false });
	stdout.on('resize', resize);
	try {
		return await ended;
	} finally {
		stdout.off('resize', resize);
		stdin.unpipe(channel);
		stdin.pause();
		if (raw) stdin.setRawMode(false);
	}
}
