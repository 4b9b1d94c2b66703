import { type ChildProcess, spawn } from 'node:child_process';

export interface Talk {
	code: number | null;
	/** Everything the terminal showed. */
	shown: string;
	/** Questions that never came. */
	unasked: string[];
}

/**
 * A person at a terminal of 50 rows and 120 columns, by script(1): when a question has been shown, its answer is typed, in the order
 * given. `argv`: what runs there; `env` adds to the environment; `inside` leads to the place where script(1) itself is started.
 */
export function talk(
	argv: readonly string[],
	answers: readonly [question: string, answer: string][],
	env: Record<string, string> = {},
	start: (script: string[]) => ChildProcess = ([program = '', ...args]) =>
		spawn(program, args, { env: { ...process.env, ...env, TERM: 'vt220' }, stdio: ['pipe', 'pipe', 'pipe'] }),
): Promise<Talk> {
	const line = `stty rows 50 cols 120; exec ${argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')}`;
	const child = start(['script', '-qfec', line, '/dev/null']);
	const left = [...answers];
	let shown = '';
	let from = 0;
	child.stdout?.setEncoding('utf8').on('data', (text: string) => {
		shown += text;
		const [next] = left;
		if (next === undefined) return;
		const at = shown.indexOf(next[0], from);
		if (at < 0) return;
		from = at + next[0].length;
		left.shift();
		child.stdin?.write(`${next[1]}\r`);
	});
	return new Promise((resolve) => child.once('close', (code) => resolve({ code, shown, unasked: left.map(([question]) => question) })));
}
