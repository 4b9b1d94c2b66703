import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entryPath } from '../../src/cache/place.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import type { RunEvent } from '../../src/report/events.ts';
import type { StepContext } from '../../src/steps/context.ts';
import { runFetch } from '../../src/steps/fetch.ts';
import { localTransport } from '../../src/transport/local.ts';
import { makeStep } from '../host/host-program.ts';
import { type Mirror, serveMirror } from '../lab/mirror.ts';
import { makeTarget } from '../plan/make.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const NAMES = ['bsd', 'bsd.mp', 'bsd.rd', 'INSTALL.amd64'];

let dir: string;
let mirror: Mirror;
beforeEach(async () => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-fetch-step-'));
	mkdirSync(join(dir, 'mirror'));
	mirror = await serveMirror(join(dir, 'mirror'));
});
afterEach(async () => {
	await mirror.stop();
	rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

/** Puts a build of these contents on the mirror. */
function publish(contents: Record<string, string>): void {
	for (const [name, text] of Object.entries(contents)) writeFileSync(join(mirror.dir, name), text);
	writeFileSync(
		join(mirror.dir, 'SHA256'),
		Object.entries(contents)
			.map(([name, text]) => `SHA256 (${name}) = ${sha256(text)}\n`)
			.join(''),
	);
}
const build = (number: number, changes: Record<string, string> = {}): Record<string, string> => ({
	...Object.fromEntries(NAMES.map((name) => [name, `${name} of build ${number}\n`])),
	...changes,
});

/** A plan pinned to what the mirror has now, for a host that has its sets in a folder of its own. */
function planFor(host: string, tops: readonly string[] = [mirror.url]): Plan {
	const text = readFileSync(join(mirror.dir, 'SHA256'), 'utf8');
	const target = makeTarget('7.8', { kind: 'snapshot', name: 'snapshot' });
	Object.assign(target.list, { file: 'SHA256', sha256: sha256(text), text });
	const file = (name: string): Plan['fetch'][number] => {
		const bytes = readFileSync(join(mirror.dir, name));
		return { step: 'fetch', name, urls: tops.map((top) => `${top}/${name}`), sha256: sha256(String(bytes)), size: bytes.length };
	};
	return { run: 'run-1', target, sets: join(dir, host, 'sets'), fetch: ['SHA256', ...NAMES].map(file) } as unknown as Plan;
}

/** Carries the step as for a host over SSH (or `here`, at its console); gives its outcome and what was told. */
async function fetchFor(
	plan: Plan,
	here = false,
): Promise<{ outcome: string; next: readonly string[]; events: RunEvent[]; asked: string[] }> {
	const events: RunEvent[] = [];
	const before = mirror.requests.length;
	const transport = { ...localTransport({ become: 'none' }), local: here };
	const settle = async (): Promise<boolean> =>
		plan.fetch.every(
			({ name, sha256: hash }) => existsSync(join(plan.sets, name)) && sha256(readFileSync(join(plan.sets, name), 'utf8')) === hash,
		);
	const context = {
		...{ plan, transport, host: { settle }, signal: new AbortController().signal, emit: (event: RunEvent) => events.push(event) },
		link: { run: transport.run, retry: (use: () => Promise<unknown>) => use() },
		...{ cache: { dir: join(dir, 'cache'), maxBytes: 1 << 30 }, logins: [], bandwidth: null },
	} as unknown as StepContext;
	const step: Step = makeStep('fetch', [], { kind: 'fetch' });
	let next: readonly string[] = [];
	const outcome = await runFetch(step, context).catch((error: { code?: string; next?: readonly string[] }) => {
		next = error.next ?? [];
		return error.code ?? String(error);
	});
	const asked = mirror.requests.slice(before).map((line) => line.replace('GET /', ''));
	return { outcome, next, events, asked: asked.filter((name) => name !== 'SHA256').sort() };
}
const notices = (events: readonly RunEvent[]): string[] => events.flatMap((event) => (event.kind === 'notice' ? [event.text] : []));
const files = (host: string): string[] => readdirSync(join(dir, host, 'sets')).sort();

describe('fetching', () => {
	test('for a second host asks the mirror for nothing but the list', async () => {
		publish(build(1));
		expect(await fetchFor(planFor('one'))).toMatchObject({ outcome: 'done', asked: [...NAMES].sort() });
		expect(await fetchFor(planFor('two'))).toMatchObject({ outcome: 'done', asked: [] });
		expect(files('two')).toEqual(['SHA256', ...NAMES].sort());
	});

	test('of a snapshot that moved between two plans fetches only what changed', async () => {
		publish(build(1));
		await fetchFor(planFor('one'));
		publish(build(1, { bsd: 'another kernel\n', 'bsd.rd': 'other pages\n' }));
		expect(await fetchFor(planFor('one'))).toMatchObject({ outcome: 'done', asked: ['bsd', 'bsd.rd'] });
		expect(readFileSync(join(dir, 'one/sets/bsd'), 'utf8')).toBe('another kernel\n');
	});

	test('stops when the snapshot moves under it; what both builds have is not fetched again', async () => {
		publish(build(1));
		const plan = planFor('one');
		publish(build(1, { 'INSTALL.amd64': 'the next base\n' }));
		const { outcome } = await fetchFor(plan);
		expect(outcome).toBe('E_SNAPSHOT_MOVED');
		expect(existsSync(join(dir, 'one/sets'))).toBe(false);
		const again = await fetchFor(planFor('one'));
		expect(again.outcome).toBe('done');
		expect(again.asked).toContain('INSTALL.amd64');
		expect(again.asked.length).toBeLessThan(NAMES.length);
	});

	test('tells when the list changed meanwhile but every file could still be had', async () => {
		publish(build(1));
		const plan = planFor('one');
		await fetchFor(plan);
		publish(build(2));
		const { outcome, events } = await fetchFor({ ...plan, sets: join(dir, 'two/sets') });
		expect(outcome).toBe('done');
		expect(notices(events)).toEqual([expect.stringContaining('packages may be newer')]);
	});

	test('says what is wrong, not that the snapshot moved, where the list is the same', async () => {
		publish(build(1));
		const plan = planFor('one');
		rmSync(join(mirror.dir, 'bsd'));
		expect((await fetchFor(plan)).outcome).toBe('E_NOT_FOUND');
		writeFileSync(join(mirror.dir, 'bsd'), 'bsd of build X\n');
		expect((await fetchFor(plan)).outcome).toBe('E_HASH_MISMATCH');
	});

	test('that stops names the run, which keeps the host and its mirrors', async () => {
		publish(build(1));
		const plan = planFor('one');
		rmSync(join(mirror.dir, 'bsd'));
		expect((await fetchFor(plan)).next).toEqual([
			expect.stringMatching(/^bsdup resume run-1 /),
			expect.stringMatching(/^bsdup rollback run-1 .*another --mirror/),
		]);
		rmSync(join(dir, 'cache'), { recursive: true });
		writeFileSync(join(dir, 'cache'), 'no directory');
		expect(await fetchFor(plan)).toMatchObject({
			outcome: 'E_WRITE',
			next: expect.arrayContaining([expect.stringMatching(/^bsdup resume run-1 /)]),
		});
	});

	test('finds damage in the cache, says so, and fetches that file again', async () => {
		publish(build(1));
		const plan = planFor('one');
		await fetchFor(plan);
		writeFileSync(entryPath(join(dir, 'cache'), sha256(build(1)['bsd'] ?? '')), 'bsd of build X\n');
		const { outcome, events, asked } = await fetchFor(planFor('two'));
		expect([outcome, asked]).toEqual(['done', ['bsd']]);
		expect(notices(events)).toEqual(['bsd was damaged in the cache and is fetched again']);
	});

	test.skipIf(process.getuid?.() !== 0)(
		'at the console lays the sets there, and takes from the cache what it has (needs root)',
		async () => {
			publish(build(1));
			await fetchFor(planFor('one'));
			publish(build(1, { bsd: 'another kernel\n' }));
			const there = readdirSync(join(dir, 'cache/sha256')).length;
			expect(await fetchFor(planFor('two'), true)).toMatchObject({ outcome: 'done', asked: ['bsd'] });
			expect(files('two')).toEqual(['SHA256', ...NAMES].sort());
			expect(readdirSync(join(dir, 'cache/sha256')).length).toBe(there);
		},
	);

	test('goes over to the next mirror where the first is dead or has another build', async () => {
		publish(build(1));
		mkdirSync(join(mirror.dir, 'stale'));
		for (const name of ['SHA256', ...NAMES]) writeFileSync(join(mirror.dir, 'stale', name), `${name} of build 0\n`);
		const { outcome, events } = await fetchFor(planFor('one', ['http://127.0.0.1:9', `${mirror.url}/stale`, mirror.url]));
		expect(outcome).toBe('done');
		expect(notices(events).length).toBeGreaterThan(0);
	});

	test('tells each file under way, its mirror and the sum', async () => {
		publish(build(1));
		const { events } = await fetchFor(planFor('one'));
		const told = events.flatMap((event) => (event.kind === 'progress' ? [event] : []));
		const total = planFor('one').fetch.reduce((sum, { size }) => sum + (size ?? 0), 0);
		expect(told[0]).toMatchObject({ id: 'fetch', way: 'fetch', total });
		expect(told.map(({ way }) => way)).toContain('push');
	});

	test('keeps the cache for its owner alone, and lets go of what it used', async () => {
		publish(build(1));
		await fetchFor(planFor('one'));
		const cache = join(dir, 'cache');
		const kept = entryPath(cache, sha256(build(1)['bsd'] ?? ''));
		expect(statSync(kept).mode & 0o777).toBe(0o600);
		for (const folder of [cache, join(cache, 'sha256'), join(kept, '..'), join(cache, 'in-use')])
			expect(statSync(folder).mode & 0o777).toBe(0o700);
		expect(readdirSync(join(cache, 'in-use'))).toEqual([]);
	});
});
