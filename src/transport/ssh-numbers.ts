import { BsdupError, EXIT } from '../errors.ts';

/** What a timer can wait; more would end at once. Milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;
const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** A time as ssh_config(5) has them, by sshd_config(5) TIME FORMATS: `90`, `2m`, `1h30m`. Milliseconds; 0 without one. Throws E_SSH_CONFIG. */
export function timeMs(keyword: string, text = '0'): number {
	if (text.toLowerCase() === 'none') return 0;
	if (!/^(\d+[smhdw])*\d+[smhdw]?$/i.test(text)) throw wrong(keyword, text, 'is no time like 90, 90s or 2m');
	const parts = [...text.matchAll(/(\d+)([smhdw]?)/gi)];
	const seconds = parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (SECONDS[unit.toLowerCase()] ?? 1), 0);
	return Math.min(seconds * 1000, LONGEST_MS);
}

/** A port by its number; 22 without one. Throws E_SSH_CONFIG. */
export function portOf(text = '22'): number {
	const port = text === 'ssh' ? 22 : Number(text);
	if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
	throw wrong('Port', text, 'is no port, which is a number up to 65535');
}

function wrong(keyword: string, text: string, why: string): BsdupError {
	return new BsdupError({
		code: 'E_SSH_CONFIG',
		message: `${keyword} ${text} in ssh_config ${why}`,
		next: ['correct it there', '--ssh-config FILE'],
		exit: EXIT.usage,
	});
}
