import { execFileSync, spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { serveNginx } from '../fetch/servers.ts';
import { ROOT } from '../lab/root.ts';
import { installMissing } from '../tools/debian.ts';
import { median, show } from './show.ts';

/** Fetching and hashing beside their peers, on loopback. */

const PEERS = { '/usr/bin/aria2c': 'aria2', '/usr/bin/curl': 'curl', '/usr/bin/openssl': 'openssl', '/usr/sbin/nginx': 'nginx-light' };
const FILES = 12;
const BYTES = 60 << 20;
const GIB = 2 ** 30;
const NAMES = Array.from({ length: FILES }, (_, n) => `set${String(n).padStart(2, '0')}.tgz`);
/** Times that each short figure is taken, in turn with its peer. */
const RUNS = 3;

interface Place {
	top: string;
	/** The files, and the folder that is fetched into. */
	from: string;
	to: string;
	sums: Map<string, string>;
}

/** All figures of fetching. */
export async function benchFetch(): Promise<void> {
	installMissing(PEERS, 'the figures of fetching are left out');
	const top = mkdtempSync('/var/tmp/bsdup-bench-');
	try {
		const place = prepare(top);
		await capped(place);
		await uncapped(place);
		await twoMirrors(place);
		hashing(top);
		await large(top);
	} finally {
		rmSync(top, { recursive: true, force: true });
	}
}

function prepare(top: string): Place {
	const from = join(top, 'from');
	mkdirSync(from);
	const piece = Buffer.alloc(1 << 20);
	for (const name of NAMES) {
		const file = openSync(join(from, name), 'w');
		for (let at = 0; at < BYTES; at += piece.length) writeSync(file, randomFillSync(piece));
		closeSync(file);
	}
	// Nothing of this may be on its way to the disk while something is measured.
	execFileSync('sync', ['-f', from]);
	const text = execFileSync('sha256sum', NAMES, { cwd: from, encoding: 'utf8' });
	const sums = new Map([...text.matchAll(/^(\S+) +(\S+)$/gm)].map(([, sum = '', name = '']) => [name, sum]));
	return { top, from, to: join(top, 'to'), sums };
}

/** Seconds that `work` takes, into an empty folder. */
function seconds({ to }: Place, work: () => void): number {
	rmSync(to, { recursive: true, force: true });
	mkdirSync(to);
	execFileSync('sync', ['-f', to]);
	const began = performance.now();
	work();
	return (performance.now() - began) / 1000;
}

interface Ours {
	rss: number;
}

/** A download by bsdup's engine in a process of its own. */
function ours(place: Place, mirrors: readonly string[], sums = place.sums, size = BYTES): Ours {
	const files = [...sums].map(([name, sha256]) => ({ name, sha256, size, urls: mirrors.map((mirror) => `${mirror}/${name}`) }));
	const request = join(place.top, 'request.json');
	writeFileSync(request, JSON.stringify({ files, dir: place.to }));
	const said = execFileSync(process.execPath, [join(ROOT, 'dist/test/fetch/child.js'), request], { encoding: 'utf8' });
	return JSON.parse(said.split('\n').at(-2) ?? '');
}

function run(command: string, args: readonly string[], cwd: string): void {
	const { status } = spawnSync(command, args, { cwd, stdio: 'ignore' });
	if (status !== 0) throw new Error(`${command} ended with ${status}`);
}

/** A mirror that gives each connection so much a second, as real ones do. */
async function capped(place: Place): Promise<void> {
	const server = await serveNginx(place.from, { server: 'limit_rate 20m;' });
	const list = join(place.top, 'urls');
	writeFileSync(list, NAMES.map((name) => `${server.url}/${name}\n`).join(''));
	const mine = seconds(place, () => ours(place, [server.url]));
	const aria2 = seconds(place, () => run('aria2c', ['-q', '-j5', '-x4', '-s4', '-d', place.to, '-i', list], place.to));
	const curl = seconds(place, () => {
		for (const name of NAMES) run('curl', ['-sO', `${server.url}/${name}`], place.to);
	});
	await server.stop();
	show('12 files, 20 MiB/s a connection, beside aria2c -j5 -x4 -s4', mine / aria2, 1.3, 'times');
	show('the same beside curl, one by one', mine / curl, 0.3, 'times');
	console.log(`     (${mine.toFixed(1)} s by bsdup, ${aria2.toFixed(1)} s by aria2c, ${curl.toFixed(1)} s by curl)`);
}

async function uncapped(place: Place): Promise<void> {
	const server = await serveNginx(place.from);
	const urls = NAMES.map((name) => `${server.url}/${name}`);
	const times = Array.from({ length: RUNS }, () => {
		const mine = seconds(place, () => ours(place, [server.url]));
		const peer = seconds(place, () => {
			run('curl', ['-sZ', '--parallel-max', '5', '--remote-name-all', ...urls], place.to);
			run('openssl', ['dgst', '-sha256', ...NAMES], place.to);
		});
		return { mine, peer };
	});
	await server.stop();
	const mine = median(times.map((time) => time.mine));
	const peer = median(times.map((time) => time.peer));
	show('12 files, as fast as it goes, beside curl -Z and openssl dgst', mine / peer, 1.5, 'times');
	console.log(`     (${mine.toFixed(1)} s by bsdup, fsync included, ${peer.toFixed(1)} s by curl and openssl)`);
}

async function twoMirrors(place: Place): Promise<void> {
	// Slow enough that the mirrors are the limit, not this machine.
	const servers = await Promise.all([1, 2].map(() => serveNginx(place.from, { server: 'limit_rate 2m;' })));
	const urls = servers.map(({ url }) => url);
	const one = seconds(place, () => ours(place, urls.slice(0, 1)));
	const two = seconds(place, () => ours(place, urls));
	await Promise.all(servers.map((server) => server.stop()));
	show('two mirrors beside one, 2 MiB/s a connection', two / one, 0.65, 'times');
	console.log(`     (${two.toFixed(1)} s from two, ${one.toFixed(1)} s from one)`);
}

function hashing(top: string): void {
	const path = join(top, 'gib');
	sparse(path, GIB);
	const program = `import { hashFile } from ${JSON.stringify(join(ROOT, 'dist/src/fetch/hash.js'))};
		const began = performance.now(); const sum = await hashFile(${JSON.stringify(path)});
		console.log(JSON.stringify({ sum, ms: performance.now() - began, rss: process.resourceUsage().maxRSS / 1024 }));`;
	// Into the system's cache, for both; not read here, since a child's peak begins with that of its parent.
	execFileSync('cat', [path], { stdio: 'ignore' });
	const times = Array.from({ length: RUNS }, () => {
		const mine = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }));
		const began = performance.now();
		const said = execFileSync('openssl', ['dgst', '-sha256', path], { encoding: 'utf8' });
		const peer = performance.now() - began;
		if (!said.includes(mine.sum)) throw new Error('the hashes differ');
		return { ms: mine.ms, rss: mine.rss, peer };
	});
	show('hashing 1 GiB beside openssl dgst', median(times.map(({ ms }) => ms)) / median(times.map(({ peer }) => peer)), 1.3, 'times');
	show('its peak memory', Math.max(...times.map(({ rss }) => rss)), 100, 'MiB');
	rmSync(path);
}

async function large(top: string): Promise<void> {
	const from = join(top, 'large');
	mkdirSync(from);
	const path = join(from, 'disk.img');
	sparse(path, 5 * GIB);
	const sum = execFileSync('sha256sum', [path], { encoding: 'utf8' }).slice(0, 64);
	const server = await serveNginx(from);
	const place: Place = { top, from, to: join(top, 'to'), sums: new Map([['disk.img', sum]]) };
	let peak = 0;
	const time = seconds(place, () => {
		peak = ours(place, [server.url], place.sums, 5 * GIB).rss;
	});
	await server.stop();
	show('peak memory of fetching 5 GiB', peak, 200, 'MiB');
	console.log(`     (${time.toFixed(1)} s)`);
}

function sparse(path: string, bytes: number): void {
	const file = openSync(path, 'w');
	ftruncateSync(file, bytes);
	closeSync(file);
}
