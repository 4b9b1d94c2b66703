import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layoutFor } from '../../src/cli/mirror-layout.ts';
import type { Measured } from '../../src/mirrors/measured.ts';
import { rankMirrors } from '../../src/mirrors/rank.ts';
import { canNginx, canVsftpd, type RealServer, serveNginx, serveVsftpd } from '../fetch/servers.ts';
import { publicKeyText, signedList } from '../lab/keys.ts';
import { publish } from '../lab/mirror.ts';
import { ROOT } from '../lab/root.ts';
import { inPlace } from '../plan/make.ts';

const DAY = 86_400;
const BUILT = 1_775_000_000;
const sets = (top: string): string => join(top, 'snapshots/amd64');

/** A mirror of a snapshot; `build`: another build of it. */
function make(top: string, build = BUILT): string {
	publish(top, '7.9-beta');
	const packages = join(top, 'snapshots/packages/amd64');
	mkdirSync(packages, { recursive: true });
	writeFileSync(join(packages, 'SHA256'), 'packages\n');
	utimesSync(join(packages, 'SHA256'), build, build);
	if (build !== BUILT) {
		const info = `Build date: ${build} - practice\n`;
		const list = readFileSync(join(sets(top), 'SHA256'), 'utf8');
		const next = list.replace(/^(SHA256 \(BUILDINFO\) = ).*$/m, `$1${hash(info)}`);
		writeFileSync(join(sets(top), 'BUILDINFO'), info);
		writeFileSync(join(sets(top), 'SHA256.sig'), signedList('79', next));
		// A real one differs in every set; one is enough here.
	}
	return top;
}
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const copy = (from: string, to: string): string => {
	cpSync(from, to, { recursive: true, preserveTimestamps: true });
	return to;
};

const wanted = {
	...{ to: 'snapshot', arch: 'amd64', packageArch: 'amd64', keys: { 'openbsd-79-base.pub': publicKeyText('79') } },
	...{
		layout: layoutFor(inPlace, { packageArch: 'amd64', release: '7.9' }),
		plainList: 'SHA256',
		packages: inPlace.mirror.packages,
		index: inPlace.mirror.index,
	},
};
const rank = (mirrors: string[], changes: Partial<Parameters<typeof rankMirrors>[0]> = {}): Promise<Measured[]> =>
	rankMirrors({ mirrors, wanted, timeMs: 20_000, signal: new AbortController().signal, ...changes });

let dir: string;
let good: string;
beforeAll(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-rank-'));
	good = make(join(dir, 'good'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.skipIf(!canNginx || !canVsftpd)('mirrors on real servers (needs nginx and vsftpd, as root)', () => {
	const servers: RealServer[] = [];
	let silent: Server;
	const held = new Set<Socket>();
	let urls: Record<'fast' | 'slow' | 'stale' | 'mixed' | 'ftp' | 'hanging' | 'dead', string>;
	beforeAll(async () => {
		silent = createServer((socket) => held.add(socket));
		await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
		const stale = make(join(dir, 'stale'), BUILT - 4 * DAY);
		const mixed = copy(good, join(dir, 'mixed'));
		writeFileSync(join(sets(mixed), 'comp79.tgz'), 'of the next build');
		const serve = async (made: Promise<RealServer>): Promise<string> => {
			const server = await made;
			servers.push(server);
			return server.url;
		};
		urls = {
			fast: await serve(serveNginx(good)),
			slow: await serve(serveNginx(good, { server: 'limit_rate 100k;' })),
			stale: await serve(serveNginx(stale)),
			mixed: await serve(serveNginx(mixed)),
			ftp: await serve(serveVsftpd(copy(good, join(dir, 'ftp')))),
			hanging: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
			dead: 'http://127.0.0.1:1',
		};
	});
	afterAll(async () => {
		for (const socket of held) socket.destroy();
		silent?.close();
		for (const server of servers) await server.stop();
	});

	test('are ranked: whole and fast before slow, before old, before mixed, before down, each with its reason', async () => {
		const { fast, slow, stale, mixed, ftp, hanging, dead } = urls;
		const began = performance.now();
		const told = await rank([dead, hanging, mixed, stale, slow, ftp, fast]);
		expect((performance.now() - began) / 1000).toBeLessThan(60);
		const by = (url: string): Measured => told.find(({ mirror }) => mirror === url) as Measured;
		expect(told.map(({ state }) => state)).toEqual(['good', 'good', 'good', 'old', 'mixed', 'down', 'down']);
		expect(told[2]?.mirror).toBe(slow);
		expect(by(fast)).toMatchObject({ says: [], loss: 0, version: '7.9', build: BUILT, packages: BUILT, unproven: false });
		expect(by(ftp)).toMatchObject({ says: [], loss: 0, packages: BUILT });
		expect(by(slow).throughput).toBeLessThan((by(fast).throughput ?? 0) / 2);
		expect(by(stale).says).toEqual(['its build is 4 days behind the newest']);
		expect(by(mixed).says.join('\n')).toContain('comp79.tgz');
		expect(by(hanging)).toMatchObject({ latency: null, loss: 1, says: [expect.stringContaining('no answer in 3 seconds')] });
		expect(by(dead)).toMatchObject({ state: 'down', says: [expect.stringContaining('cannot reach')] });
	});

	test('are not waited for longer than asked', async () => {
		const began = performance.now();
		await rank([urls.slow, urls.hanging], { timeMs: 1_000 });
		expect((performance.now() - began) / 1000).toBeLessThan(20);
	});

	test('are given up at Ctrl-C, with status 130 and nothing left behind', async () => {
		const argv = [join(ROOT, 'dist/src/cli.js'), 'mirrors', urls.hanging, '--os', 'OpenBSD'];
		const child = spawn(process.execPath, argv, { env: { ...process.env, XDG_CONFIG_HOME: dir }, stdio: ['ignore', 'pipe', 'pipe'] });
		let said = '';
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			if (!said.includes('small files') && text.includes('small files')) child.kill('SIGINT');
			said += text;
		});
		const ended = await new Promise((resolve) => child.once('close', (code, signal) => resolve([code, signal])));
		expect(ended).toEqual([130, null]);
		expect(said).toContain('E_INTERRUPTED');
	});
});

describe('a mirror', () => {
	const state = async (top: string): Promise<[string, string]> => {
		const [one] = await rank([top]);
		return [one?.state ?? '', one?.says.join('; ') ?? ''];
	};
	const changed = (name: string, change: (top: string) => void): string => {
		const top = copy(good, join(dir, name));
		change(top);
		return top;
	};

	test.each<[what: string, says: string, change: (top: string) => void]>([
		['lacks a set', 'not there: man79.tgz', (top) => rmSync(join(sets(top), 'man79.tgz'))],
		['lacks its packages', 'it has no packages', (top) => rmSync(join(top, 'snapshots/packages'), { recursive: true })],
		[
			'has packages of long ago',
			'its packages are 30 days older than its sets',
			(top) => utimesSync(join(top, 'snapshots/packages/amd64/SHA256'), BUILT - 30 * DAY, BUILT - 30 * DAY),
		],
		['has a BUILDINFO of another build', 'BUILDINFO', (top) => writeFileSync(join(sets(top), 'BUILDINFO'), 'Build date: 1 - x\n')],
		[
			'has a list that nobody signed',
			'signature',
			(top) => writeFileSync(join(sets(top), 'SHA256.sig'), `${readFileSync(join(sets(top), 'SHA256.sig'))}x`),
		],
		[
			'has a set of the right size that is another one',
			'is not the file of the list',
			(top) => {
				for (const name of ['base79.tgz', 'bsd', 'bsd.mp', 'bsd.rd', 'comp79.tgz']) {
					const file = join(sets(top), name);
					writeFileSync(file, Buffer.alloc(readFileSync(file).length, 'x'));
				}
			},
		],
	])('that %s is told as mixed', async (what, says, change) => {
		const [is, why] = await state(changed(what.replaceAll(' ', '-'), change));
		expect(is).toBe('mixed');
		expect(why).toContain(says);
	});

	test('whose key nobody here has is read by its plain list, and that is said', async () => {
		const [one] = await rank([good], { wanted: { ...wanted, keys: {} } });
		expect(one).toMatchObject({ state: 'good', unproven: true });
	});

	test('with a password is shown without it', async () => {
		const [one] = await rank(['http://me:secret@127.0.0.1:1/pub']);
		expect(JSON.stringify(one)).not.toContain('secret');
	});
});
