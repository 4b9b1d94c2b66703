import { StringDecoder } from 'node:string_decoder';
import type { Plan } from '../plan/plan.ts';
import { cleanLine } from '../report/clean.ts';
import { localTransport } from '../transport/local.ts';

/** A command that follows the console never ends by itself. Milliseconds. */
const TIME_LIMIT_MS = 10_000;
/** What is kept of a command that tells the whole history. Bytes. */
const KEPT_BYTES = 64 * 1024;
/** Lines that are shown. */
const LINES = 20;

/** Asks for the last lines that a host's console shows, without escape sequences. Where it cannot be asked, one line says so. */
export type Console = () => Promise<string[]>;

/** The console that `command` tells, a sh line that runs on this machine. */
export function consoleBy(command: string): Console {
	return async () => {
		let kept = Buffer.alloc(0);
		const onBytes = async (bytes: Buffer): Promise<void> => {
			kept = Buffer.concat([kept, bytes]).subarray(-KEPT_BYTES);
		};
		const why = await localTransport({ become: 'none' })
			.run(command, { timeoutMs: TIME_LIMIT_MS, onBytes })
			.then(
				({ code, signal, stderr }) => (code === 0 ? '' : `${signal ?? `status ${code}`}: ${stderr.trim().slice(-200)}`),
				(error: Error) => error.message,
			);
		const lines = new StringDecoder('utf8').write(kept).split(/\r?\n/).map(cleanLine);
		const told = lines.filter((line) => line.trim() !== '').slice(-LINES);
		return told.length > 0 || why === '' ? told : [cleanLine(`its console could not be asked: ${why}`)];
	};
}

/** What the last line with a sign means; undefined where none has one. */
export function signIn(lines: readonly string[], plan: Plan): NonNullable<Plan['consoleSigns']>[number] | undefined {
	const signs = (plan.consoleSigns ?? []).map((one) => ({ one, pattern: new RegExp(one.sign) }));
	for (const line of lines.toReversed()) {
		const found = signs.find(({ pattern }) => pattern.test(line));
		if (found !== undefined) return found.one;
	}
	return undefined;
}
