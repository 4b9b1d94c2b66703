import { writeFileSync } from 'node:fs';
import { Flags } from '@oclif/core';
import { BsdupError, EXIT } from '../errors.ts';
import { renderScript } from '../host/script.ts';
import type { Plan } from '../plan/plan.ts';
import { planText } from '../plan/text.ts';
import { cleanText } from '../report/clean.ts';
import { usage } from './backup-flags.ts';

/** Flags of a command that may show its plan instead. */
export const showFlags = {
	format: Flags.option({
		options: ['text', 'json', 'sh'] as const,
		description: 'only show the plan: for people, for programs, or as a script for the host',
	})(),
	out: Flags.string({ description: 'write it to a file instead', helpValue: 'FILE' }),
};

/** Writes the plan in the format asked for. Throws E_SCRIPT_ALONE where a script by itself could not carry it, E_USAGE where the file cannot be written. */
export function showPlan(
	plan: Plan,
	flags: { format?: 'text' | 'json' | 'sh' | undefined; out?: string | undefined },
	json: boolean,
): Plan {
	if (flags.format === 'sh' && plan.receive !== undefined) {
		throw new BsdupError({
			code: 'E_SCRIPT_ALONE',
			message: 'a script alone cannot stream the backup to another machine',
			next: ['--backup-to DIR or --backup-device DISK, instead of --backup-here'],
			exit: EXIT.usage,
		});
	}
	if (flags.format === 'sh' && plan.onward !== undefined) {
		throw new BsdupError({
			code: 'E_SCRIPT_ALONE',
			message: 'a script alone makes one hop: the next is planned from the host as it then is',
			next: [`--to ${plan.target?.version ?? ''}`],
			exit: EXIT.usage,
		});
	}
	const text = { text: () => cleanText(planText(plan)), json: () => `${JSON.stringify(plan, null, '\t')}\n`, sh: () => renderScript(plan) }[
		flags.format ?? (json ? 'json' : 'text')
	]();
	if (flags.out !== undefined) write(flags.out, text);
	else if (!json) process.stdout.write(text);
	return plan;
}

function write(file: string, text: string): void {
	try {
		writeFileSync(file, text, { mode: 0o600 });
	} catch (error) {
		throw usage(`cannot write ${file}: ${(error as Error).message}`, ['--out FILE']);
	}
}
