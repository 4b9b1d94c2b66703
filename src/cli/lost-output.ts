import { EXIT } from '../errors.ts';

/**
 * What can no more be told, as in a log on a disk that is full or on a terminal that is gone, ends nothing: the record of a run is its
 * journal. It is said once, where it still can be, and a command that did nothing but tell has failed. A pipe that was closed has had enough.
 */
export function passOverLostOutput(): void {
	let said = false;
	for (const stream of [process.stdout, process.stderr]) {
		// oclif's own ends the program in the midst of what it does.
		stream.removeAllListeners('error');
		stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
			if (code === 'EPIPE' || said) return;
			said = true;
			process.exitCode ??= EXIT.failed;
			process.stderr.write(`bsdup: not all that is told can be written: ${message}\n`);
		});
	}
}
