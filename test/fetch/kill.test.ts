import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMap } from '../../src/fetch/part-map.ts';
import { Ranges } from '../../src/fetch/ranges.ts';
import { ROOT } from '../lab/root.ts';
import { canNginx, type NginxServer, type Served, serveNginx } from './servers.ts';
import { FetchWorld } from './world.ts';

const CHILD = join(ROOT, 'dist/test/fetch/child.js');
/** Folders that are fetched into side by side, and kills in each. */
const CHAINS = 10;
const KILLS = 5;
/** Bytes a second of each connection; nginx sends those of a second at once. */
const RATE = 60_000;
/** What kills may cost in all: less than one second's bytes of both connections each, where not noting would cost all that came. */
const MOST_LOST = CHAINS * KILLS * 2 * RATE * 0.75;

let world: FetchWorld;
let slow: NginxServer;
/** For the last run of each folder, which is not killed. */
let fast: NginxServer;
beforeAll(async () => {
	world = new FetchWorld({ a: 1_500_000, b: 1_200_000 });
	if (!canNginx) return;
	slow = await serveNginx(world.mirror('mirror'), { server: `limit_rate ${RATE};` });
	fast = await serveNginx(world.mirror('mirror'));
});
afterAll(async () => {
	if (canNginx) await Promise.all([slow.stop(), fast.stop()]);
	world.remove();
});

/** One random number below 1 for each kill, the same in each run of this test. */
function moment(chain: number, kill: number): number {
	return (Math.abs(Math.sin(chain * 97 + kill * 31 + 1)) * 1000) % 1;
}

/** What the map says is there of a file. */
function noted(dir: string, name: string): Ranges {
	const file = world.files('').find((one) => one.name === name);
	const path = join(dir, `${name}.part`);
	if (file === undefined || !existsSync(`${path}.map`)) return new Ranges();
	return readMap(readFileSync(`${path}.map`, 'utf8'), file.sha256, readFileSync(path).length) ?? new Ranges();
}

/** Bytes that `asked` wants though they were noted. */
function again(asked: readonly Served[], name: string, there: Ranges): number {
	const size = world.bytes(name).length;
	return asked
		.filter(({ path }) => path.startsWith(`/${name}?`))
		.map(({ range }) => {
			const [start = 0, last = size - 1] = (/^bytes=(\d+)-(\d*)$/.exec(range) ?? []).slice(1).map(Number);
			const wanted = new Ranges();
			wanted.add({ start, end: last + 1 });
			const both = wanted.total;
			for (const one of there.list) wanted.remove(one);
			return both - wanted.total;
		})
		.reduce((a, b) => a + b, 0);
}

const served = (): Served[] => [...slow.served(), ...fast.served()];

/** Kills and begins again until it is done; returns the bytes that went out beyond those of the files. */
async function chain(number: number): Promise<number> {
	const dir = join(world.top, `chain-${number}`);
	mkdirSync(dir);
	let kills = 0;
	for (let run = 0; ; run++) {
		const query = `?chain=${number}&run=${run}.`;
		const before = new Map([...world.contents.keys()].map((name) => [name, noted(dir, name)]));
		const files = world.files((kills < KILLS ? slow : fast).url).map((file) => ({ ...file, urls: file.urls.map((url) => url + query) }));
		const request = join(dir, 'request.json');
		writeFileSync(request, JSON.stringify({ files, dir }));
		const child = spawn(process.execPath, [CHILD, request], { stdio: ['ignore', 'pipe', 'inherit'] });
		const ended = once(child, 'exit');
		await once(child.stdout, 'data');
		if (kills < KILLS) {
			await Promise.race([sleep(2000 * moment(number, run)), ended]);
			if (child.kill('SIGKILL')) kills++;
		}
		const [status] = await ended;
		const asked = served().filter(({ path }) => path.endsWith(query));
		for (const [name, there] of before) expect(again(asked, name, there), `${name}, chain ${number}, run ${run}`).toBe(0);
		if (status === 0) break;
		expect(kills).toBeGreaterThan(run);
	}
	for (const [name, bytes] of world.contents) expect(readFileSync(join(dir, name)).equals(bytes), `${name}, chain ${number}`).toBe(true);
	const sent = served()
		.filter(({ path }) => path.includes(`?chain=${number}&`))
		.reduce((sum, { bytes }) => sum + bytes, 0);
	const size = [...world.contents.values()].reduce((sum, { length }) => sum + length, 0);
	return sent - size;
}

test.skipIf(!canNginx)(
	'killed at 50 moments, a download is completed without asking again for a byte that was noted (needs nginx, as root)',
	async () => {
		const lost = await Promise.all(Array.from({ length: CHAINS }, (_, number) => chain(number)));
		expect(lost.reduce((a, b) => a + b, 0)).toBeLessThan(MOST_LOST);
	},
);
