import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Facts } from '../../src/facts/facts.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';

/** What the sets and kernels hold, what is there, and what the step says of it. Sizes in KiB by path. */
interface Case {
	title: string;
	release?: '4.9' | '7.7';
	facts?: Partial<Facts>;
	/** By set; a text is a hard link to that path of the same set. */
	sets: Record<string, Record<string, number | string>>;
	kernels?: Record<string, number>;
	there?: Record<string, number>;
	links?: Record<string, string>;
	/** Free KiB by mount point. */
	free: Record<string, number>;
	programs?: Record<string, string>;
	/** Lines it says, in any order. */
	says: string[];
	fails?: boolean;
}

const folder = new URL('./space/', import.meta.url);
const cases = readdirSync(folder).map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Case);

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

function put(path: string, kib: number): void {
	mkdirSync(dirname(path), { recursive: true });
	writeFileSync(path, Buffer.alloc(kib * 1024, 'x'));
}

/** Packs a set as a mirror does, directories too. */
function pack(out: string, members: Record<string, number | string>): void {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-set-'));
	for (const [path, kib] of Object.entries(members)) if (typeof kib === 'number') put(join(dir, path), kib);
	for (const [path, to] of Object.entries(members)) if (typeof to === 'string') linkSync(join(dir, to), join(dir, path));
	// The file comes before its links, as on a mirror.
	const files = Object.keys(members).map((path) => `./${path}`);
	execFileSync('tar', ['-C', dir, '-czf', out, '--format=ustar', '--no-recursion', '--verbatim-files-from', '-T', '-'], {
		input: `.\n${files.join('\n')}`,
	});
	rmSync(dir, { recursive: true });
}

function run(one: Case): { status: number | null; lines: string[]; stderr: string } {
	const release = one.release ?? '7.7';
	const to = release === '4.9' ? '5.0' : '7.8';
	const suffix = to.replace('.', '');
	const on = makeBareTree(release);
	tree = on;
	const facts = makeFacts({ release, sets: Object.keys(one.sets), ...one.facts });
	const plan = buildPlan(inPlace, facts, makeTarget(to), makeOptions(), 'in-place');
	const table = Object.entries(one.free).map(([path, free], n) => `/dev/sd0${'adefgh'[n]}    9000000  5000  ${free}    50%    ${path}`);
	on.lay({
		dirs: ['usr/rel', plan.dir],
		programs: {
			df: `cat <<'END'\nFilesystem  1024-blocks  Used  Available Capacity Mounted on\n${table.join('\n')}\nEND\n`,
			...one.programs,
		},
	});
	for (const [name, kib] of Object.entries({ bsd: 0, 'bsd.mp': 0, 'bsd.rd': 0, ...one.kernels })) {
		put(join(on.dir, 'usr/rel', name), kib);
		rmSync(join(on.dir, name), { force: true });
	}
	rmSync(join(on.dir, 'bsd.sp'));
	for (const [set, members] of Object.entries(one.sets)) pack(join(on.dir, `usr/rel/${set}${suffix}.tgz`), members);
	rmSync(join(on.dir, 'usr/X11R6'), { recursive: true });
	for (const [path, kib] of Object.entries(one.there ?? {})) put(join(on.dir, path), kib);
	on.lay({ links: one.links ?? {} });
	writeFileSync(join(on.dir, 'work'), plan.steps.find(({ id }) => id === 'space')?.commands.join('\n') ?? '');
	const { status, stdout, stderr } = on.run('sh -e /work');
	return { status, stderr, lines: stdout.trimEnd().split('\n').sort() };
}

describe.skipIf(!canEnterTrees)('the space for what will be unpacked (needs root or user namespaces)', () => {
	test.each(cases)('$title', (one) => {
		expect(run(one)).toEqual({ status: one.fails === true ? 1 : 0, stderr: '', lines: one.says.toSorted() });
	});

	test('is not guessed at from a torn archive', () => {
		const one: Case = { title: '', sets: { base: { 'usr/a': 1 } }, free: { '/': 9000 }, says: [], programs: { tar: 'echo -; exit 1' } };
		expect(run(one)).toMatchObject({ status: 1, lines: [''] });
	});
});
