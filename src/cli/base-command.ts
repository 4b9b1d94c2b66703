import { Command, ux } from '@oclif/core';
import { z } from 'zod';
import { BsdupError, EXIT } from '../errors.ts';
import { cleanJson, cleanText } from '../report/clean.ts';
import { withTypedState } from './typed-state.ts';

/** Each schema is read with a few times in a run: compiled, it would cost 7 MiB and save nothing. */
z.config({ jitless: true });

/** What all commands share: `--json`, and errors with a code, the state of the host and the next thing to type. */
export abstract class BaseCommand extends Command {
	static override enableJsonFlag = true;

	/** What is told may quote a host, a mirror or a file: none of them drives the person's terminal. */
	override log(message = ''): void {
		super.log('%s', cleanText(withTypedState(message)));
	}

	override logToStderr(message = ''): void {
		super.logToStderr('%s', cleanText(message));
	}

	override logJson(json: unknown): void {
		const text: string | undefined = ux.colorizeJson(json, { pretty: true, theme: this.config.theme?.json });
		ux.stdout(text === undefined ? text : cleanJson(text));
	}

	/** Prints an error for people (or as JSON) and sets the exit status; a stack trace only for our own mistakes. */
	protected override async catch(thrown: Error & { exitCode?: number; oclif?: { exit?: number } }): Promise<unknown> {
		const misused = thrown.oclif?.exit === EXIT.usage && this.jsonEnabled();
		const error = misused ? this.#misuse(thrown) : thrown;
		if (!(error instanceof BsdupError)) return super.catch(error);
		// oclif puts words of its own around what is wrong with a flag's value.
		error.message = error.message.replace(/^Parsing --\S+ \n\t([\s\S]*)\nSee more help with --help$/, '$1');
		tellError(error, this.jsonEnabled());
		return undefined;
	}

	/** What oclif says of arguments that it does not take, as programs are told it: by itself it would forget the status, too. */
	#misuse({ message }: Error): BsdupError {
		const says = message.replace('See more help with --help', '').trim();
		return new BsdupError({ code: 'E_USAGE', message: says, next: [`bsdup ${this.id?.replaceAll(':', ' ')} --help`], exit: EXIT.usage });
	}
}

/** Tells an error to people, or in a line of JSON as the events before it are, and sets the exit status. */
export function tellError(error: BsdupError, json: boolean): void {
	process.exitCode = error.exit;
	const { code, message, state } = error;
	const next = error.next.map((step) => withTypedState(step));
	if (json) ux.stdout(cleanJson(JSON.stringify({ error: { code, message, state, next } })));
	else
		for (const line of [`bsdup: ${message}`, `Code:  ${code}`, `State: ${state}`, ...next.map((step) => `Next:  ${step}`)])
			ux.stderr('%s', cleanText(line));
}
