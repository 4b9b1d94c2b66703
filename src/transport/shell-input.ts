/**
 * Wraps a script for `sh` on standard input: it is read whole before it runs, and its commands read /dev/null,
 * so that none of them can eat the rest of the script.
 */
export function shellInput(script: string): string {
	return `bsdup_script() {\n:\n${script}\n}\nbsdup_script </dev/null\nexit $?\n`;
}

/** The program that reads it: `sh`, as root by doas(1) or sudo(8) where asked; never with a prompt. */
export function shellCommand(become: 'none' | 'doas' | 'sudo'): string[] {
	return { none: ['sh'], doas: ['doas', '-n', 'sh'], sudo: ['sudo', '-n', 'sh'] }[become];
}
