import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { PARSERS } from './parsers.ts';
import { HANG_MS, inputOf } from './try.ts';

/**
 * `npm run fuzz -- [--seconds N] [--seed N] [PARSER…]`: N seconds a parser. What crashes or hangs one is written to a file, whose
 * place is told; laid below test/fuzz/fixtures/PARSER it is tried by every test run.
 */
const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) } },
});
const names = positionals.length > 0 ? positionals : Object.keys(PARSERS);
const unknown = names.find((name) => PARSERS[name] === undefined);
if (unknown !== undefined) throw new Error(`no parser ${unknown}; there are ${Object.keys(PARSERS).join(' ')}`);
const seed = Number(values.seed);
const MOST_TOLD = 20;
const out = mkdtempSync(join(tmpdir(), 'bsdup-fuzz-'));

/** The first lines of a fault, none longer than a few rows of a terminal. */
function shown(fault: string): string {
	return fault
		.split('\n')
		.slice(0, 6)
		.map((line) => line.slice(0, 300))
		.join('\n');
}

/** Searches for some seconds; what hangs is ended, told, and the search goes on behind it. */
async function search(name: string, seconds: number): Promise<{ tried: number; faults: number }> {
	const end = Date.now() + seconds * 1000;
	const kinds = new Set<string>();
	let first = 0;
	const tell = (index: number, fault: string): void => {
		const kind = shown(fault).split('\n').slice(0, 2).join(' ');
		if (kinds.has(kind) || kinds.size > MOST_TOLD) return;
		kinds.add(kind);
		const file = join(out, `${name}-${seed}-${index}`);
		const parser = PARSERS[name];
		if (parser !== undefined) writeFileSync(file, inputOf(parser, seed, index));
		console.log(`${name}: seed ${seed}, input ${index}: ${file}\n${shown(fault)}`);
	};
	while (Date.now() < end) {
		const at = new Int32Array(new SharedArrayBuffer(4));
		const worker = new Worker(new URL(import.meta.url.replace(/fuzz(\.[jt]s)$/, 'worker$1')), {
			workerData: { name, seed, first, seconds: (end - Date.now()) / 1000, at },
		});
		const hung = await new Promise<number | undefined>((resolve, reject) => {
			let seen = -1;
			const watch = setInterval(() => {
				const now = Atomics.load(at, 0);
				if (now === seen && now >= first) resolve(now);
				seen = now;
			}, HANG_MS);
			worker.on('message', (message: { index?: number; fault?: string; tried?: number }) => {
				if (message.index !== undefined) tell(message.index, message.fault ?? '');
				if (message.tried !== undefined) first += message.tried;
			});
			worker.once('error', reject);
			worker.once('exit', () => {
				clearInterval(watch);
				resolve(undefined);
			});
		});
		if (hung === undefined) break;
		await worker.terminate();
		tell(hung, `hung for ${HANG_MS} ms`);
		first = hung + 1;
	}
	return { tried: first, faults: kinds.size };
}

let faults = 0;
for (const name of names) {
	const result = await search(name, Number(values.seconds));
	faults += result.faults;
	console.log(`${name}: ${result.tried} inputs, ${result.faults} kinds of faults (seed ${seed})`);
}
process.exitCode = faults === 0 ? 0 : 1;
