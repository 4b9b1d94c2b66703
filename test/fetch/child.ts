import { readFileSync } from 'node:fs';
import { download } from '../../src/fetch/download.ts';

/** A download as a program of its own, to be killed, starved of disk and measured: its request is the JSON in the file named. */

const [, , path = ''] = process.argv;
process.stdout.write('begun\n');
try {
	await download(JSON.parse(readFileSync(path, 'utf8')));
	const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
	process.stdout.write(`${JSON.stringify({ code: null, rss: maxRSS / 1024, cpu: (userCPUTime + systemCPUTime) / 1e6 })}\n`);
} catch (error) {
	const { code, message } = error as { code?: string; message: string };
	process.stdout.write(`${JSON.stringify({ code: code ?? 'none', message })}\n`);
	process.exitCode = 1;
}
