import { pushFailed } from './errors.ts';
import { quote } from './quote.ts';
import type { RunResult } from './transport.ts';

const DIFFERS = 65;

/**
 * The script that takes a file on its standard input: written beside its final name, hashed with what the host has,
 * renamed only when right. Status 65 = the hash differs.
 */
export function pushScript(remotePath: string, mode: number, sha256: string): string {
	const part = quote(`${remotePath}.part`);
	return [
		`umask 077; cat >${part} || { rm -f ${part}; exit 1; }`,
		`sum=$(sha256 -q ${part} 2>/dev/null || cksum -a sha256 ${part} 2>/dev/null || sha256sum ${part} 2>/dev/null)`,
		`case $sum in *${sha256}*) chmod ${mode.toString(8)} ${part} && mv -f ${part} ${quote(remotePath)} ;; *) rm -f ${part}; exit ${DIFFERS} ;; esac`,
	].join('\n');
}

/**
 * The line for `sh -c` that reads `script`, to the byte, from standard input and runs it on what follows there. So no path is
 * in argv, and no login shell, csh among them, has to understand its quoting.
 */
export function loader(script: string): string {
	return `eval "$(dd bs=1 count=${Buffer.byteLength(script)} 2>/dev/null)"`;
}

/** Throws E_PUSH when the script did not end well. */
export function pushResult(name: string, remotePath: string, { code, signal, stderr }: Omit<RunResult, 'stdout'>): void {
	if (code === 0) return;
	const told = stderr.trim() || signal || `status ${code}`;
	throw pushFailed(name, remotePath, code === DIFFERS ? 'its SHA256 differs on arrival' : told);
}
