import { BsdupError } from '../errors.ts';
import { connectionLost } from './errors.ts';
import type { Become, RunResult } from './transport.ts';

/** Statuses of a program that could not be started, or ended by a signal, as sh tells them: above these a host is going down. */
const NOT_FOUND = 127;

const HOW: Record<Exclude<Become, 'none'>, { other: string; file: string; permit: string }> = {
	doas: { other: 'sudo', file: '/etc/doas.conf', permit: 'permit nopass' },
	sudo: { other: 'doas', file: 'sudoers (visudo)', permit: 'ALL=(ALL) NOPASSWD: ALL' },
};

/**
 * Proves that doas(1) or sudo(8) gives root without a prompt; nothing is asked for `none`. `run` starts a script as the transport
 * does. Throws E_BECOME when it is refused or missing.
 */
export async function proveRoot(name: string, user: string, become: Become, run: (script: string) => Promise<RunResult>): Promise<void> {
	if (become === 'none') return;
	const { code, stdout, stderr } = await run('id -u');
	if (code === 0 && stdout.trim() === '0') return;
	// A host that goes down kills programs; that is no word of doas on who may do what.
	if (code === null || code > NOT_FOUND) throw connectionLost(name);
	const { other, file, permit } = HOW[become];
	const rule = become === 'doas' ? `${permit} ${user}` : `${user} ${permit}`;
	throw new BsdupError({
		code: 'E_BECOME',
		message: `${become} does not make ${user} root on ${name}: ${stderr.trim() || `status ${code}`}`,
		next:
			code === NOT_FOUND
				? [`--become ${other}`, 'log in as root']
				: [`as root on the host, put this line into ${file}: ${rule}`, `--become ${other}`, 'log in as root'],
	});
}
