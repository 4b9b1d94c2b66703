import { BsdupError } from '../errors.ts';

/** Not only runs use connections. */
const AGAIN = 'bsdup resume, where a run was begun; else the same command again';

/** The connection ended while something ran on the far side. */
export function connectionLost(name: string, cause?: unknown): BsdupError {
	return new BsdupError({
		code: 'E_CONNECTION_LOST',
		message: `the connection to ${name} was lost`,
		state: 'What was started there goes on.',
		next: [AGAIN],
		cause,
	});
}

/** A command was given up after its time. */
export function timedOut(name: string, ms: number): BsdupError {
	return new BsdupError({
		code: 'E_TIMEOUT',
		message: `${name} did not answer within ${Math.round(ms / 1000)} s`,
		state: 'As before; the command may still run there.',
		next: ['bsdup status', 'try again'],
	});
}

/** A file arrived damaged. */
export function pushFailed(name: string, path: string, detail: string): BsdupError {
	return new BsdupError({
		code: 'E_PUSH',
		message: `${path} could not be laid on ${name}: ${detail}`,
		state: 'Nothing half-written carries the final name.',
		next: ['look for free space on the host', 'bsdup resume'],
	});
}

/** The connection stands, but the host starts nothing more on it: MaxSessions of its sshd_config, or no process to be had. */
export function channelRefused(name: string, cause: unknown): BsdupError {
	return new BsdupError({
		code: 'E_CHANNEL',
		message: `${name} starts no more commands on this connection`,
		state: 'What was started there goes on.',
		next: ['look at MaxSessions in its sshd_config', AGAIN],
		cause,
	});
}
