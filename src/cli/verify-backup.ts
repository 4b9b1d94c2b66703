import { resolve } from 'node:path';
import { type BackupReport, backupReportLines, verifyBackup } from '../backup/verify-backup.ts';
import { BsdupError, EXIT } from '../errors.ts';
import { chooseRenderer } from '../report/choose.ts';
import { progressOf } from '../report/events.ts';
import { withStopSignal } from './stop-signal.ts';

/**
 * Proves an old backup in a directory of this machine, with progress; `say` prints a line of the report, --json prints what it
 * returns. Sets exit status 1 when the backup is not good. Throws what findBackup throws, E_BACKUP_READ, E_INTERRUPTED.
 */
export async function runVerifyBackup(
	dir: string,
	base: string | undefined,
	json: boolean,
	say: (line: string) => void,
): Promise<BackupReport> {
	const { columns = 80, rows = 0 } = process.stdout;
	const renderer = json ? undefined : chooseRenderer({ json, stdout: process.stdout, rows, columns, steps: 1 });
	const title = `Prove the backup in ${resolve(dir)}`;
	renderer?.event({ kind: 'plan', run: 'verify', host: 'this machine', title, steps: [{ id: 'check', title: 'Read every volume' }] });
	renderer?.event({ kind: 'step', id: 'check', status: 'running' });
	const began = Date.now();
	const onBytes = (done: number, total: number): void => renderer?.event(progressOf('check', done, total, began));
	const report = await withStopSignal(async (signal) => {
		try {
			return await verifyBackup(resolve(dir), base, { signal, onBytes });
		} catch (error) {
			throw signal.aborted ? interrupted() : error;
		}
	}).finally(() => renderer?.close());
	for (const line of backupReportLines(report)) say(line);
	if (report.faults.length > 0) process.exitCode = EXIT.failed;
	return report;
}

function interrupted(): BsdupError {
	return new BsdupError({
		code: 'E_INTERRUPTED',
		message: 'interrupted; the backup is not proven',
		state: 'Nothing was written.',
		next: ['the same command again'],
		exit: EXIT.interrupted,
	});
}
