import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fill, take } from '../cache/fill.ts';
import { claim } from '../cache/in-use.ts';
import { entryPath } from '../cache/place.ts';
import { prune } from '../cache/prune.ts';
import { BsdupError } from '../errors.ts';
import { type DownloadRequest, download } from '../fetch/download.ts';
import { withLogin } from '../fetch/mirror-url.ts';
import { listNow } from '../fetch/moved.ts';
import { proveArchives } from '../fetch/prove-archives.ts';
import { pinned } from '../fetch/target.ts';
import { makeDir } from '../make-dir.ts';
import type { Plan, Step } from '../plan/plan.ts';
import type { StepContext, StepOutcome } from './context.ts';
import { stepFailed } from './failure.ts';
import { Meter } from './meter.ts';
import { filesThere, pushFiles } from './push-files.ts';

type File = Plan['fetch'][number];

/**
 * The controller fetches and lays the files on the host; hashes pinned in the plan decide, so that what is there and right is left
 * alone, on the host and in the cache. The step's own commands are what the host does by itself without a controller.
 * Throws E_SNAPSHOT_MOVED where a file is no longer had because the mirrors hold another list than the pinned one.
 */
export async function runFetch(step: Step, context: StepContext): Promise<StepOutcome> {
	const { plan, host, cache } = context;
	if (await host.settle(step.id)) return 'already';
	const files = plan.fetch.filter((file) => file.step === step.id);
	const there = await filesThere(files, context);
	const missing = files.filter(({ name }) => !there.has(name));
	try {
		await bring(missing, step, context);
	} catch (error) {
		throw (await movedInstead(error, context)) ?? inRun(error, context);
	}
	if (!(await host.settle(step.id))) throw stepFailed(context, step, 'the files on the host are not those of the list');
	await prune({ dir: cache.dir, maxBytes: cache.maxBytes }).catch((error: Error) => {
		context.emit({ kind: 'notice', text: `the cache was not pruned: ${error.message}` });
	});
	if (files.some(({ name }) => name === pinned(plan.target)?.list.file) && (await hasMoved(context))) {
		const text = 'the mirror holds another list by now: the sets are those of the pinned list, all of one build; packages may be newer';
		context.emit({ kind: 'notice', text });
	}
	return 'done';
}

async function bring(missing: readonly File[], step: Step, context: StepContext): Promise<void> {
	const hashes = missing.map(({ sha256 }) => sha256);
	const letGo = await claim(context.cache.dir, hashes);
	try {
		if (isHere(context)) await fetchHere(missing, step, context);
		else await fetchThere(missing, step, context);
	} finally {
		await letGo();
	}
}

/** At the console, as root: then the sets need no way over the cache. */
function isHere({ transport }: StepContext): boolean {
	return transport.local && process.getuid?.() === 0;
}

async function fetchThere(files: readonly File[], step: Step, context: StepContext): Promise<void> {
	const { cache } = context;
	let meter: Meter | undefined;
	await fill({
		...{ dir: cache.dir, files, logins: context.logins },
		onMissing: (missing) => {
			meter = new Meter(step.id, 'fetch', missing, context.emit);
		},
		onDamaged: (name) => context.emit({ kind: 'notice', text: `${name} was damaged in the cache and is fetched again` }),
		via: downloadVia(context, () => meter),
	});
	await proveArchives(
		files.map(({ name, sha256 }) => ({ name, path: entryPath(cache.dir, sha256) })),
		context.signal,
	);
	await pushFiles(files, ({ sha256 }) => entryPath(cache.dir, sha256), context, step.id);
}

async function fetchHere(files: readonly File[], step: Step, context: StepContext): Promise<void> {
	const { plan, cache } = context;
	makeDir(plan.sets);
	const missing: File[] = [];
	for (const file of files) {
		const kept = await take(cache.dir, file.sha256);
		if (kept === null) missing.push(file);
		else {
			const to = join(plan.sets, file.name);
			await copyFile(kept, `${to}.part`);
			await rename(`${to}.part`, to);
		}
	}
	const meter = new Meter(step.id, 'fetch', missing, context.emit);
	const wanted = missing.map((file) => ({ ...file, urls: file.urls.map((url) => withLogin(url, context.logins)) }));
	await download({ files: wanted, dir: plan.sets, ...downloadVia(context, () => meter) });
}

function downloadVia({ bandwidth, signal, emit }: StepContext, meter: () => Meter | undefined): Omit<DownloadRequest, 'files' | 'dir'> {
	return {
		onBytes: (name, done, _total, mirror) => meter()?.at(name, done, mirror),
		onMirror: (mirror, notice) => emit({ kind: 'notice', text: `${mirror}: ${notice}` }),
		...(bandwidth === null ? {} : { bandwidth }),
		signal,
	};
}

/** Whether the mirrors hold another list than the pinned one. */
async function hasMoved({ plan, logins }: StepContext): Promise<boolean> {
	const target = pinned(plan.target);
	const list = plan.fetch.find(({ name }) => name === target?.list.file);
	if (target === null || list === undefined) return false;
	return (
		(await listNow(
			list.urls.map((url) => withLogin(url, logins)),
			target.list.sha256,
		)) === 'moved'
	);
}

/** The error to tell in the place of one that a moved snapshot explains, or null. */
async function movedInstead(error: unknown, context: StepContext): Promise<BsdupError | null> {
	const { target } = context.plan;
	const fetching = error instanceof BsdupError && FETCHING.has(error.code);
	if (target === null || !fetching || context.signal.aborted || !(await hasMoved(context))) return null;
	return new BsdupError({
		code: 'E_SNAPSHOT_MOVED',
		message: `the ${target.kind} on the mirror is another one by now: ${error.message}`,
		state: 'Nothing was changed on the host, and it is free for a new run.',
		next: [`bsdup upgrade … --to ${target.name}   (a new plan; what both have in common is not fetched again)`],
		cause: error,
	});
}

/** The error of a download as it is in a run: the plan names the mirrors, and the host is kept for what goes on with it. */
function inRun(error: unknown, { plan }: StepContext): unknown {
	if (!(error instanceof BsdupError)) return error;
	const { code, message, next } = error;
	const ofMirrors = FETCHING.has(code);
	if (!ofMirrors && !HERE.has(code)) return error;
	return new BsdupError({
		...{ code, message, cause: error },
		state: 'Nothing of the system was changed; the run keeps the host.',
		next: [
			...(ofMirrors ? [] : next),
			`bsdup resume ${plan.run}   (what is there is kept)`,
			...(ofMirrors ? [`bsdup rollback ${plan.run}   (then bsdup upgrade with another --mirror)`] : []),
		],
	});
}

/** What is told when this machine cannot keep what was fetched. */
const HERE = new Set(['E_WRITE', 'E_LOCKED']);
/** What is told when a file cannot be had as it is listed. */
const FETCHING = new Set(['E_HASH_MISMATCH', 'E_NOT_FOUND', 'E_FETCH', 'E_MIRROR_UNREACHABLE', 'E_SIZE']);
