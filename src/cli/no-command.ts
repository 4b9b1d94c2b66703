import type { Hook } from '@oclif/core';
import { BsdupError, EXIT } from '../errors.ts';
import { tellError } from './base-command.ts';

/** What is said where there is no such command (oclif's hook), as every error is. */
const noCommand: Hook.CommandNotFound = async function ({ argv = [], id }) {
	const words = id.split(':');
	const [first, ...rest] = words;
	const next = first === 'help' ? ['bsdup', ...rest, ...argv, '--help'].join(' ') : 'bsdup --help';
	const message = `command ${words.join(' ')} not found`;
	tellError(new BsdupError({ code: 'E_USAGE', message, next: [next], exit: EXIT.usage }), [id, ...argv].includes('--json'));
	this.exit(EXIT.usage);
};

export default noCommand;
