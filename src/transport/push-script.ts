import { pushFailed } from './errors.ts';
import { quote } from './quote.ts';
import type { RunResult } from './transport.ts';

/** The status for a file that came whole and is another one. */
export const DIFFERS = 65;

/** What of a file the script takes. */
export interface PushedFile {
	remotePath: string;
	mode: number;
	/** Hex, of the whole. */
	sha256: string;
	/** Bytes in all. */
	size: number;
	/** Bytes that its partial file has; they are not sent again. */
	offset: number;
	/** A partial file is left for another try where the input ends too early. */
	keep: boolean;
}

/**
 * The script that takes a file on its standard input: written beside its final name, hashed with what the host has, renamed only
 * when right. What was there before is hashed too, so a wrong partial file is found out: status 65, and it is gone.
 */
export function pushScript({ remotePath, mode, sha256, size, offset, keep }: PushedFile): string {
	const part = quote(partName(remotePath));
	const drop = keep ? '' : `rm -f ${part}; `;
	return [
		`umask 077; cat >${offset === 0 ? '' : '>'}${part} || { ${drop}exit 1; }`,
		`size=$(wc -c <${part}) || exit 1`,
		`if [ $size -lt ${size} ]; then ${drop}echo "only $((size)) of ${size} bytes came" >&2; exit 1; fi`,
		// Hashed after it came: tee would carry each byte once more, and while one file is hashed another is on the line.
		`sum=$(sha256 -q ${part} 2>/dev/null || cksum -a sha256 ${part} 2>/dev/null || sha256sum ${part} 2>/dev/null)`,
		// On the disk before it has its name: after a power cut an empty program would end well. Where base is torn sync may not start.
		`case $sum in *${sha256}*) chmod ${mode.toString(8)} ${part} && { sync; mv -f ${part} ${quote(remotePath)}; } ;; *) rm -f ${part}; exit ${DIFFERS} ;; esac`,
	].join('\n');
}

/** Prints the bytes that a partial file has. */
export function partScript(remotePath: string): string {
	return `wc -c <${quote(partName(remotePath))} 2>/dev/null || echo 0`;
}

function partName(remotePath: string): string {
	return `${remotePath}.part`;
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
