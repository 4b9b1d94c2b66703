import { createHash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quote } from '../../src/transport/quote.ts';
import type { Transport } from '../../src/transport/transport.ts';

/** Names that some shell would take apart, run or drop. */
const NAMES = [
	'plain',
	'two words',
	"it's",
	'"double"',
	'$(touch owned)',
	'`touch owned`',
	'a;touch owned',
	'line\nbreak',
	'back\\slash',
	'-n',
	'*',
	'~',
	'ünïcode',
];

/** What every transport must do. `make` gives one that is connected to a host with this disk; `tty`: the host has terminals to give. */
export function testTransport(name: string, make: () => Promise<Transport>, tty = true): void {
	describe(`${name} as a transport`, () => {
		let host: Transport;
		let dir: string;
		beforeAll(async () => {
			dir = mkdtempSync(join(tmpdir(), 'bsdup-contract-'));
			host = await make();
		});
		afterAll(async () => {
			await host?.close();
			// What a command that was given up still clears away may be there a moment longer.
			rmSync(dir, { recursive: true, force: true, maxRetries: 20 });
		});

		test('hands a script to sh on standard input, so that nobody sees it among the arguments', async () => {
			const { stdout } = await host.run('echo "[$0] [$*]"; tr "\\0" " " </proc/$$/cmdline; : a-word-of-the-script');
			expect(stdout).toMatch(/^\[\S*sh\] \[\]\n/);
			expect(stdout).not.toContain('a-word-of-the-script');
		});

		test('gives status, standard output and standard error, each by itself', async () => {
			expect(await host.run('echo out; echo err >&2; exit 7')).toEqual({ code: 7, signal: null, stdout: 'out\n', stderr: 'err\n' });
			expect(await host.run('printf "no newline"')).toEqual({ code: 0, signal: null, stdout: 'no newline', stderr: '' });
		});

		test('keeps every byte of the output as a character where it is asked to', async () => {
			const heard: string[] = [];
			const { stdout } = await host.run("printf '\\303\\277\\377\\000x'", { encoding: 'latin1', onStdout: (text) => heard.push(text) });
			expect(stdout).toBe('\u00c3\u00bf\u00ff\u0000x');
			expect(heard.join('')).toBe(stdout);
		});

		test("gives output as bytes at the taker's pace, all of it before the end, and an error of the taker ends it", async () => {
			const hash = createHash('sha256');
			let bytes = 0;
			let busy = 0;
			const result = await host.run('head -c 6000000 /dev/zero | tr "\\0" "\\377"; echo err >&2; exit 3', {
				onBytes: async (piece) => {
					expect(++busy).toBe(1);
					hash.update(piece);
					bytes += piece.length;
					await new Promise((resolve) => setImmediate(resolve));
					busy--;
				},
			});
			expect(result).toEqual({ code: 3, signal: null, stdout: '', stderr: 'err\n' });
			expect(bytes).toBe(6_000_000);
			expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(6_000_000, 255)).digest('hex'));
			const full = host.run('cat /dev/zero', { onBytes: () => Promise.reject(new Error('no room')) });
			await expect(full).rejects.toThrow('no room');
		});

		test('gives the name of the signal that ended it, and no status', async () => {
			expect(await host.run('kill -KILL $$')).toMatchObject({ code: null, signal: 'SIGKILL' });
			expect(await host.run('kill -TERM $$')).toMatchObject({ code: null, signal: 'SIGTERM' });
		});

		test('lets the commands of a script read an empty input, never the rest of the script', async () => {
			expect(await host.run('cat\necho after')).toMatchObject({ code: 0, stdout: 'after\n' });
			expect((await host.run('readlink /proc/self/fd/0')).stdout).toBe('/dev/null\n');
		});

		test.each(NAMES)('takes %j as a word, never as syntax', async (word) => {
			expect((await host.run(`cd ${quote(dir)} && printf '%s' ${quote(word)}`)).stdout).toBe(word);
			expect(existsSync(join(dir, 'owned'))).toBe(false);
		});

		test('keeps characters whole that arrive in two pieces', async () => {
			const seen: string[] = [];
			const { stdout } = await host.run("printf 'a\\303'; sleep 0.2; printf '\\244b\\360\\237'; sleep 0.2; printf '\\222\\251c'", {
				onStdout: (text) => seen.push(text),
			});
			expect(stdout).toBe('aäb💩c');
			expect(seen.join('')).toBe('aäb💩c');
		});

		test('tells standard output as it comes', async () => {
			const begin = Date.now();
			let first = 0;
			await host.run('echo one; sleep 0.7; echo two', {
				onStdout: () => {
					first ||= Date.now() - begin;
				},
			});
			expect(first).toBeGreaterThan(0);
			expect(first).toBeLessThan(600);
		});

		test('carries megabytes, on both outputs at once', async () => {
			const { code, stdout, stderr } = await host.run(
				'dd if=/dev/zero bs=1000000 count=5 2>/dev/null | tr "\\0" x & dd if=/dev/zero bs=1000000 count=3 2>/dev/null | tr "\\0" y >&2; wait',
			);
			expect([code, stdout.length, stderr.length]).toEqual([0, 5_000_000, 3_000_000]);
		});

		test('gives a command up after its time', async () => {
			const begin = Date.now();
			await expect(host.run('sleep 5; echo late', { timeoutMs: 400 })).rejects.toMatchObject({ code: 'E_TIMEOUT' });
			expect(Date.now() - begin).toBeLessThan(2_000);
			await host.connect();
			expect((await host.run('echo well')).stdout).toBe('well\n');
		});

		test('gives a command up with the reason of its signal, before and while it runs', async () => {
			const reason = new Error('enough');
			await expect(host.run('echo never', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
			const stop = new AbortController();
			const running = host.run('echo begun; sleep 5', { signal: stop.signal, onStdout: () => stop.abort(reason) });
			await expect(running).rejects.toBe(reason);
			expect((await host.run('echo well')).stdout).toBe('well\n');
		});

		test('runs several at once, none waiting for another', async () => {
			const begin = Date.now();
			const runs = await Promise.all(['a', 'b', 'c', 'd'].map((word) => host.run(`sleep 0.6; echo ${word}`)));
			expect(runs.map(({ stdout }) => stdout)).toEqual(['a\n', 'b\n', 'c\n', 'd\n']);
			expect(Date.now() - begin).toBeLessThan(2_000);
		});

		test('lays a file down with its mode, and nothing beside it', async () => {
			const bytes = Buffer.from('some\0bytes\n\xff', 'latin1');
			const path = join(dir, 'pushed');
			await host.push(bytes, path, { mode: 0o640, sha256: sha256(bytes) });
			expect(readFileSync(path).equals(bytes)).toBe(true);
			expect(statSync(path).mode & 0o777).toBe(0o640);
			expect(readdirSync(dir).filter((one) => one.startsWith('pushed'))).toEqual(['pushed']);
		});

		test('puts a file in the place of another at once: who reads the old one reads it to its end', async () => {
			const path = join(dir, 'replaced');
			writeFileSync(path, 'old');
			const reader = openSync(path, 'r');
			await host.push(Buffer.from('new'), path, { mode: 0o600, sha256: sha256(Buffer.from('new')) });
			expect([readFileSync(reader, 'utf8'), readFileSync(path, 'utf8')]).toEqual(['old', 'new']);
			closeSync(reader);
		});

		test.each(NAMES)('lays a file down under the name %j', async (word) => {
			const path = join(dir, word);
			await host.push(Buffer.from(word), path, { mode: 0o600, sha256: sha256(Buffer.from(word)) });
			expect(readFileSync(path, 'utf8')).toBe(word);
			expect(existsSync(join(dir, 'owned'))).toBe(false);
		});

		test('lays an empty file down', async () => {
			await host.push(Buffer.alloc(0), join(dir, 'empty'), { mode: 0o600, sha256: sha256(Buffer.alloc(0)) });
			expect(statSync(join(dir, 'empty')).size).toBe(0);
		});

		test('leaves the file that was there when the new one arrives damaged', async () => {
			const path = join(dir, 'kept');
			writeFileSync(path, 'old');
			await expect(host.push(Buffer.from('new'), path, { mode: 0o600, sha256: sha256(Buffer.from('other')) })).rejects.toMatchObject({
				code: 'E_PUSH',
			});
			expect(readFileSync(path, 'utf8')).toBe('old');
			expect(readdirSync(dir).filter((one) => one.startsWith('kept'))).toEqual(['kept']);
		});

		test('says why a file could not be laid down', async () => {
			const bytes = Buffer.from('x');
			const nowhere = host.push(bytes, join(dir, 'no/such/folder'), { mode: 0o600, sha256: sha256(bytes) });
			await expect(nowhere).rejects.toMatchObject({ code: 'E_PUSH' });
			await expect(host.push(join(dir, 'absent'), join(dir, 'x'), { mode: 0o600, sha256: sha256(bytes) })).rejects.toMatchObject({
				code: 'E_PUSH',
				message: expect.stringContaining('ENOENT'),
			});
			expect(existsSync(join(dir, 'x'))).toBe(false);
		});

		test('lays a large file down from the disk, telling how much went out', async () => {
			const bytes = randomBytes(12_000_000);
			writeFileSync(join(dir, 'large'), bytes);
			const told: number[] = [];
			await host.push(join(dir, 'large'), join(dir, 'large copy'), {
				mode: 0o600,
				sha256: sha256(bytes),
				onBytes: (sent) => told.push(sent),
			});
			expect(sha256(readFileSync(join(dir, 'large copy')))).toBe(sha256(bytes));
			expect(told.at(-1)).toBe(bytes.length);
			expect(told.length).toBeGreaterThan(10);
		});

		describe('goes on with a file that broke off', () => {
			const bytes = randomBytes(3_000_000);
			const half = 1_500_000;
			/** Lays it down beside a partial file; gives the first word on how much was out, and what lies there then. */
			const resumed = async (name: string, part: Buffer): Promise<[first: number, right: boolean, files: string[]]> => {
				const told: number[] = [];
				writeFileSync(join(dir, `${name}.source`), bytes);
				writeFileSync(join(dir, `${name}.part`), part);
				await host.push(join(dir, `${name}.source`), join(dir, name), {
					...{ mode: 0o600, sha256: sha256(bytes), resume: true },
					onBytes: (sent) => told.push(sent),
				});
				const files = readdirSync(dir).filter((one) => one.startsWith(name) && !one.endsWith('.source'));
				return [told[0] ?? Number.NaN, readFileSync(join(dir, name)).equals(bytes), files];
			};

			test('where it was', async () => {
				const [first, right, files] = await resumed('begun', bytes.subarray(0, half));
				expect(first).toBeGreaterThan(half);
				expect([right, files]).toEqual([true, ['begun']]);
			});

			test('from its begin where what lies there is another file, or longer', async () => {
				expect((await resumed('other', randomBytes(half))).slice(1)).toEqual([true, ['other']]);
				expect((await resumed('longer', randomBytes(bytes.length + 1))).slice(1)).toEqual([true, ['longer']]);
			});

			test('and only hashes one that came whole', async () => {
				const [first, right, files] = await resumed('whole', bytes);
				expect(first).toBeNaN();
				expect([right, files]).toEqual([true, ['whole']]);
			});

			test('when it was given up half way', async () => {
				const stop = new AbortController();
				writeFileSync(join(dir, 'cut.source'), bytes);
				const options = { mode: 0o600, sha256: sha256(bytes), resume: true };
				const push = (more: object): Promise<void> => host.push(join(dir, 'cut.source'), join(dir, 'cut'), { ...options, ...more });
				await expect(push({ signal: stop.signal, onBytes: () => stop.abort(new Error('enough')) })).rejects.toThrow('enough');
				await push({});
				expect(readFileSync(join(dir, 'cut')).equals(bytes)).toBe(true);
			});
		});

		test('gives up laying a file down when asked to, and the host has nothing of it', async () => {
			const bytes = randomBytes(8_000_000);
			writeFileSync(join(dir, 'endless'), bytes);
			const stop = new AbortController();
			const reason = new Error('enough');
			const push = host.push(join(dir, 'endless'), join(dir, 'partly'), {
				mode: 0o600,
				sha256: sha256(bytes),
				onBytes: () => stop.abort(reason),
				signal: stop.signal,
			});
			await expect(push).rejects.toBe(reason);
			expect(existsSync(join(dir, 'partly'))).toBe(false);
		});

		test('feeds megabytes to a script, which reads nothing of its own text', async () => {
			const bytes = randomBytes(5_000_000);
			const script = `printf 'begun '; cat >${quote(join(dir, 'fed'))}; printf 'ended'; exit 3`;
			const heard: string[] = [];
			const fed = await host.feed(script, Readable.from([bytes.subarray(0, 3), bytes.subarray(3)]), {
				onStdout: (text) => heard.push(text),
			});
			expect(fed).toEqual({ code: 3, signal: null, stdout: 'begun ended', stderr: '' });
			expect(heard.join('')).toBe('begun ended');
			expect(sha256(readFileSync(join(dir, 'fed')))).toBe(sha256(bytes));
		});

		test('ends feeding when the script ends first, and gives its status', async () => {
			const endless = Readable.from(
				(function* () {
					for (;;) yield Buffer.alloc(65_536);
				})(),
			);
			expect(await host.feed('head -c 10 | wc -c; exit 4', endless, {})).toMatchObject({
				code: 4,
				stdout: expect.stringMatching(/^\s*10\n/),
			});
			expect(endless.destroyed).toBe(true);
		});

		test('gives a fed script up when its source breaks, when its time is over, and when asked to', async () => {
			const breaks = Readable.from(
				(async function* () {
					yield Buffer.from('some');
					throw new Error('the disk is gone');
				})(),
			);
			const broken = (error: Error): Error => new Error(`read: ${error.message}`);
			await expect(host.feed('cat >/dev/null; sleep 5', breaks, { broken })).rejects.toThrow('read: the disk is gone');
			const silent = (): Readable => new Readable({ read() {} });
			await expect(host.feed('cat', silent(), { timeoutMs: 300 })).rejects.toMatchObject({ code: 'E_TIMEOUT' });
			await host.connect();
			const reason = new Error('enough');
			await expect(host.feed('cat', silent(), { signal: AbortSignal.timeout(200) })).rejects.toMatchObject({ name: 'TimeoutError' });
			await expect(host.feed('cat', silent(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
		});

		test.skipIf(!tty)('gives the status of what ran on the terminal (needs root: sshd has terminals for root only)', async () => {
			expect(await host.terminal('exit 7')).toMatchObject({ code: 7, signal: null });
		});
	});
}

function sha256(bytes: Buffer): string {
	return createHash('sha256').update(bytes).digest('hex');
}
