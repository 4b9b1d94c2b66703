import { parentPort, workerData } from 'node:worker_threads';
import { PARSERS } from './parsers.ts';
import { faultOf, inputOf } from './try.ts';

/** One parser's search: inputs by number until the time is up. `at` tells the number to the thread that watches for hangs. */
const { name, seed, first, seconds, at } = workerData as { name: string; seed: number; first: number; seconds: number; at: Int32Array };
const parser = PARSERS[name];
if (parser === undefined) throw new Error(`no parser ${name}`);
const end = Date.now() + seconds * 1000;
let index = first;
for (; Date.now() < end; index++) {
	Atomics.store(at, 0, index);
	const fault = faultOf(parser, inputOf(parser, seed, index));
	if (fault !== undefined) parentPort?.postMessage({ index, fault });
}
parentPort?.postMessage({ tried: index - first });
