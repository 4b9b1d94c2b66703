import { quote } from './quote.ts';

/**
 * The sh line that takes a file on its standard input: written beside its final name, hashed with what the host has,
 * renamed only when right. Status 65 = the hash differs.
 */
export function pushScript(remotePath: string, mode: number, sha256: string): string {
	const part = quote(`${remotePath}.part`);
	return [
		`umask 077; cat >${part} || exit 1`,
		`sum=$(sha256 -q ${part} 2>/dev/null || cksum -a sha256 ${part} 2>/dev/null || sha256sum ${part} 2>/dev/null)`,
		`case $sum in *${sha256}*) chmod ${mode.toString(8)} ${part} && mv -f ${part} ${quote(remotePath)} ;; *) rm -f ${part}; exit 65 ;; esac`,
	].join('\n');
}
