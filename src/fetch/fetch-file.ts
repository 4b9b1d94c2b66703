import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dispatch } from './dispatch.ts';
import type { DownloadRequest, FileToFetch } from './download.ts';
import { FileJob, mismatch } from './file-job.ts';
import { withLock } from './file-lock.ts';
import { hashFile } from './hash.ts';
import { PartFile } from './part-file.ts';

/** Fetches one file, alone among all programs that want the same one. Throws as `download`. */
export async function fetchFile(file: FileToFetch, { dir, onBytes }: DownloadRequest, dispatch: Dispatch): Promise<void> {
	const to = file.to ?? join(dir, file.name);
	await withLock(`${to}.part.lock`, dispatch.signal, async () => {
		if ((await hashFile(to)) === file.sha256) {
			const { size } = await stat(to);
			await rm(`${to}.part.map`, { force: true });
			return onBytes?.(file.name, size, size, '');
		}
		const job = new FileJob(file, await PartFile.open(to, file.sha256), dispatch.sources(file.urls));
		dispatch.add(job);
		try {
			await bring(job, dispatch);
		} finally {
			await dispatch.remove(job);
			await job.part.close();
		}
		const size = job.size ?? 0;
		onBytes?.(file.name, size, size, [...job.givers].at(-1)?.mirror.name ?? '');
	});
}

async function bring(job: FileJob, dispatch: Dispatch): Promise<void> {
	for (;;) {
		dispatch.signal.throwIfAborted();
		if (job.transfers.size === 0) {
			if (job.restarting) await job.restart();
			else if (job.whole) {
				if (await finish(job, dispatch)) return;
			} else if (!job.someUsable()) throw job.failure();
		}
		await dispatch.change();
	}
}

/** Gives the file its name where the hash is right; otherwise begins again from one mirror that has not been proven wrong. */
async function finish(job: FileJob, dispatch: Dispatch): Promise<boolean> {
	const { file, part, size } = job;
	job.ending = true;
	const got = await job.hash.digest(size ?? 0);
	if (got === file.sha256) {
		await part.finish(size ?? 0);
		const liars = [...job.suspects].filter((source) => !job.givers.has(source));
		if (liars.length === 1 && liars[0] !== undefined) dispatch.setAside(liars[0].mirror, `it gave wrong bytes of ${file.name}`);
		return true;
	}
	const [giver, other] = job.givers;
	if (giver !== undefined && other === undefined && !job.resumed) {
		giver.fault = mismatch(giver.url, file, `SHA256 ${got}`);
		dispatch.notice(giver.mirror, `it has another ${file.name} than the one listed`);
	} else if (!job.resumed) {
		job.suspects = new Set(job.givers);
		for (const { mirror } of job.givers)
			dispatch.notice(mirror, `the pieces of ${file.name} from several mirrors make a wrong whole: taken from one`);
	}
	await job.restart();
	job.goAlone();
	return false;
}
