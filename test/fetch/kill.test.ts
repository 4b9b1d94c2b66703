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
const CHAINS = 5;
const KILLS = 10;
/** Bytes a second of each connection; nginx sends those of the first second at once. */
const RATE = 150_000;
/** Bytes that may be on their way, or come and not yet be noted, on one connection. */
const IN_FLIGHT = RATE + 128_000;

let world: FetchWorld;
let server: NginxServer;
beforeAll(async () => {
	world = new FetchWorld({ a: 3_000_000, b: 1_500_000 });
	if (canNginx) server = await serveNginx(world.mirror('mirror'), { server: `limit_rate ${RATE};` });
});
afterAll(async () => {
	if (canNginx) await server.stop();
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

async function chain(number: number): Promise<void> {
	const dir = join(world.top, `chain-${number}`);
	mkdirSync(dir);
	let kills = 0;
	for (let run = 0; ; run++) {
		const query = `?chain=${number}&run=${run}.`;
		const before = new Map([...world.contents.keys()].map((name) => [name, noted(dir, name)]));
		const files = world.files(server.url).map((file) => ({ ...file, urls: file.urls.map((url) => url + query) }));
		const request = join(dir, 'request.json');
		writeFileSync(request, JSON.stringify({ files, dir }));
		const child = spawn(process.execPath, [CHILD, request], { stdio: ['ignore', 'pipe', 'inherit'] });
		const ended = once(child, 'exit');
		await once(child.stdout, 'data');
		if (kills < KILLS) {
			await Promise.race([sleep(700 * moment(number, run)), ended]);
			if (child.kill('SIGKILL')) kills++;
		}
		const [status] = await ended;
		const asked = server.served().filter(({ path }) => path.endsWith(query));
		for (const [name, there] of before) expect(again(asked, name, there), `${name}, chain ${number}, run ${run}`).toBe(0);
		if (status === 0) break;
		expect(kills).toBeGreaterThan(run);
	}
	for (const [name, bytes] of world.contents) expect(readFileSync(join(dir, name)).equals(bytes), `${name}, chain ${number}`).toBe(true);
	const sent = server
		.served()
		.filter(({ path }) => path.includes(`?chain=${number}&`))
		.reduce((sum, { bytes }) => sum + bytes, 0);
	const size = [...world.contents.values()].reduce((sum, { length }) => sum + length, 0);
	expect(sent - size).toBeLessThanOrEqual(kills * 2 * IN_FLIGHT);
}

test.skipIf(!canNginx)('killed at 50 moments, a download is completed without asking again for a byte that was noted', async () => {
	await Promise.all(Array.from({ length: CHAINS }, (_, number) => chain(number)));
});
