import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Flags } from '@oclif/core';
import { BsdupError, EXIT } from '../errors.ts';
import type { HostFlags } from '../journal/state.ts';
import { cleanText } from '../report/clean.ts';
import { localTransport } from '../transport/local.ts';
import { sshTransport } from '../transport/ssh.ts';
import type { Become, Transport } from '../transport/transport.ts';
import { wayTo } from './inventory.ts';

/** Flags of every command that reaches a host. */
export const hostFlags = {
	identity: Flags.string({ description: 'private key for SSH', helpValue: 'FILE' }),
	become: Flags.option({ options: ['none', 'doas', 'sudo'] as const, description: 'how the login becomes root' })(),
	'known-hosts': Flags.string({ description: 'known_hosts file instead of your own', helpValue: 'FILE' }),
	'ssh-config': Flags.string({ description: 'ssh_config file instead of your own', helpValue: 'FILE' }),
};

/** What a run keeps of them, so that a resume reaches the host from any directory. */
export function keptHostFlags(flags: HostFlags): HostFlags {
	const file = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(path));
	return {
		become: flags.become,
		identity: file(flags.identity),
		'known-hosts': file(flags['known-hosts']),
		'ssh-config': file(flags['ssh-config']),
	};
}

/** Connects to a host over SSH, by what the inventory tells of it, or to this machine when `host` is undefined. Throws what the transport throws; E_CONFIG. */
export async function openHost(host: string | undefined, flags: HostFlags): Promise<Transport> {
	const transport = hostTransport(host, flags);
	await transport.connect();
	return transport;
}

/** The same without connecting. */
export function hostTransport(host: string | undefined, typed: HostFlags): Transport {
	if (host === undefined) return localTransport({ become: becomeOf(typed) });
	const { spec, flags } = wayTo(host, typed);
	return sshTransport({
		host: spec,
		become: becomeOf(flags),
		...(flags.identity === undefined ? {} : { identity: flags.identity }),
		...(flags['known-hosts'] === undefined ? {} : { knownHostsFile: flags['known-hosts'] }),
		...(flags['ssh-config'] === undefined ? {} : { configFile: flags['ssh-config'] }),
		...(process.stdin.isTTY ? { askHostKey, askSecret } : {}),
	});
}

function becomeOf({ become }: HostFlags): Become {
	return (become ?? 'none') as Become;
}

async function askHostKey(question: string): Promise<boolean> {
	return (await ask(`${question}\nTrust it? Type yes: `)) === 'yes';
}

/** Keys that end a line: return, and Ctrl-D. */
const ENDS = new Set(['\r', '\n', '\x04']);

/** Asks on the terminal without showing what is typed; the keys that erase do so, as where a terminal edits lines. Throws E_INTERRUPTED after Ctrl-C. */
export async function askSecret(question: string): Promise<string> {
	// Before the question: what is typed at once must not be shown either.
	process.stdin.setRawMode(true);
	process.stderr.write(cleanText(question));
	try {
		let secret = '';
		// The stream is needed again, for the next question or a terminal.
		for await (const chunk of process.stdin.iterator({ destroyOnReturn: false })) {
			for (const char of String(chunk)) {
				if (ENDS.has(char)) return secret;
				if (char === '\x03') throw interrupted();
				if (char === '\x15') secret = '';
				else secret = char === '\x7f' || char === '\b' ? secret.slice(0, -1) : secret + char;
			}
		}
		return secret;
	} finally {
		process.stdin.setRawMode(false);
		process.stdin.pause();
		process.stderr.write('\n');
	}
}

/** Asks one line on the terminal; empty where it ends without one. Throws E_INTERRUPTED after Ctrl-C, and once `signal` is aborted. */
export async function ask(question: string, signal?: AbortSignal): Promise<string> {
	const lines = createInterface({ input: process.stdin, output: process.stderr });
	let typed = false;
	try {
		return await new Promise<string>((answer, reject) => {
			// While lines are edited the terminal sends the key, not the signal.
			lines.once('SIGINT', () => {
				typed = true;
				reject(interrupted());
			});
			lines.once('close', () => answer(''));
			lines.question(cleanText(question), signal === undefined ? {} : { signal }).then((text) => answer(text.trim()), reject);
		});
	} catch (error) {
		throw signal?.aborted === true ? interrupted() : error;
	} finally {
		lines.close();
		if (typed) raise('SIGINT');
	}
}

/** The signal for whoever listens for it, at once; else it ends this program. */
function raise(signal: 'SIGINT'): void {
	if (!process.emit(signal, signal)) process.kill(process.pid, signal);
}

function interrupted(): BsdupError {
	return new BsdupError({ code: 'E_INTERRUPTED', message: 'interrupted', exit: EXIT.interrupted });
}
