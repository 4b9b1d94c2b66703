import type { ClientChannel } from 'ssh2';

/** Joins a pty channel with the person's terminal. The function it returns leaves the terminal as it was. */
export function onTerminal(channel: ClientChannel): () => void {
	const { stdin, stdout } = process;
	const raw = stdin.isTTY;
	// A terminal that is gone says so as it is read, and as it is left.
	const gone = (): void => {};
	stdin.on('error', gone);
	const resize = (): void => channel.setWindow(stdout.rows ?? 24, stdout.columns ?? 80, 0, 0);
	if (raw) stdin.setRawMode(true);
	stdin.pipe(channel);
	channel.pipe(stdout, { end: false });
	stdout.on('resize', resize);
	return () => {
		stdout.off('resize', resize);
		channel.unpipe(stdout);
		stdin.unpipe(channel);
		stdin.pause();
		if (raw) stdin.setRawMode(false);
		stdin.off('error', gone);
	};
}
