import { BsdupError, EXIT } from '../errors.ts';
import { quote } from '../transport/quote.ts';
import { STATE } from './restore-scripts.ts';

/** What speaks against a target, by the word that the look at it printed. */
export function targetRefused(target: string, where: string, word: string, detail: string): BsdupError {
	const place = `${target} on ${where}`;
	const says: Record<string, [says: string, next: string[]]> = {
		other: [
			`${place} holds an unfinished restore of something else`,
			['finish that one with the command it was begun with', `or remove ${target} and what is in it`, '--to another directory'],
		],
		holds: [
			`${place} is not empty: ${detail}`,
			['--to a new or empty directory, then move what you want', '--to / restores in place, after you confirmed it'],
		],
		planted: [
			`${place}, or what it holds of a restore, belongs to somebody else, who could change what is restored or run`,
			[`ls -ldn ${quote(target)}   (who made it)`, '--to DIR, one that only you can make'],
		],
		'no-directory': [`${place} is no directory`, ['--to DIR']],
		'no-parent': [`${place} is not there, nor the directory above it`, ['mount its disk', `mkdir -p ${quote(target)}`]],
		'not-writable': [`${place} cannot be written`, ['mount it read-write', '--become doas or --become sudo, or log in as root']],
	};
	const [message, next] = says[word] ?? [`${place} cannot be looked at: ${detail}`, ['--to DIR']];
	return new BsdupError({
		code: 'E_RESTORE_TARGET',
		message,
		state: 'Nothing was written.',
		next,
		exit: word === 'other' ? EXIT.failed : EXIT.usage,
	});
}

/** Paths that the backup does not hold. */
export function pathsAbsent(paths: readonly string[]): BsdupError {
	return new BsdupError({
		code: 'E_RESTORE_PATH',
		message: `the backup holds no ${paths.join(', ')}`,
		state: 'Nothing was written.',
		next: ['bsdup restore DIR --list'],
		exit: EXIT.usage,
	});
}

/** Nobody said yes. */
export function unconfirmed(): BsdupError {
	return new BsdupError({
		code: 'E_RESTORE_UNCONFIRMED',
		message: 'it was not confirmed',
		state: 'Nothing was written.',
		next: ['type yes when asked, or give --yes', '--to DIR restores beside it'],
	});
}

/** A restore that ended before its end. `why`: in one clause; what is there stays, and the same command goes on. */
export function restoreStopped(target: string, why: string, options: { code?: string; exit?: number; next?: string[] } = {}): BsdupError {
	return new BsdupError({
		code: options.code ?? 'E_RESTORE',
		message: why,
		state: `Part of the backup is in ${target}; ${target.replace(/\/$/, '')}/${STATE} keeps where it stands.`,
		next: [...(options.next ?? []), 'the same command again goes on'],
		...(options.exit === undefined ? {} : { exit: options.exit }),
	});
}
