import { Errors, type Hook, ux } from '@oclif/core';
import { BsdupError, EXIT } from '../errors.ts';
import { cleanJson } from '../report/clean.ts';

/** What is said where there is no such command (oclif's hook): to programs, by --json, as every error is. Always throws: status 2. */
const noCommand: Hook.CommandNotFound = async function ({ argv = [], id }) {
	const says = `command ${id.replaceAll(':', ' ')} not found`;
	if (![id, ...argv].includes('--json')) throw new Errors.CLIError(says);
	const error = new BsdupError({ code: 'E_USAGE', message: says, next: ['bsdup --help'], exit: EXIT.usage });
	ux.stdout(cleanJson(JSON.stringify(error.forPrograms)));
	this.exit(EXIT.usage);
};

export default noCommand;
