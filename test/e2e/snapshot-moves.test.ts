import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { pinned } from '../../src/fetch/target.ts';
import { readJournal } from '../../src/journal/journal.ts';
import { readPlan } from '../../src/journal/read-plan.ts';
import { whyNot } from '../lab/ability.ts';
import { signedList } from '../lab/keys.ts';
import { makeSet } from '../lab/mirror.ts';
import { RELEASES } from '../lab/releases.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { upgradeArgs } from './proof.ts';

let world: World;
afterEach(() => world?.destroy());

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The next build takes the place of the one on the mirror: one set is another, so the list is too. Returns the new list's hash. */
function move(mirror: string): string {
	const { folder, suffix } = RELEASES['7.9-beta'];
	const name = `man${suffix}.tgz`;
	const set = makeSet([{ path: 'usr/share/man/man1/ls.1', text: 'of the next build\n', mode: 0o644 }]);
	const list = readFileSync(join(mirror, folder, 'SHA256'), 'utf8').replace(/^(SHA256 \(man\d+\.tgz\) = ).*$/m, `$1${sha256(set)}`);
	const signed = Buffer.from(signedList(suffix, list));
	for (const [file, bytes] of [[name, set] as const, ['SHA256', Buffer.from(list)] as const, ['SHA256.sig', signed] as const])
		writeFileSync(join(mirror, folder, file), bytes);
	return sha256(signed);
}

describe.skipIf(whyNot('namespace') !== null)('a snapshot that moves after the plan was made (needs a practice host)', () => {
	test('costs a new plan in the same run; nothing is backed up twice, only what changed is fetched again', async () => {
		world = await makeWorld('7.8', '7.9-beta');
		let moved = '';
		const { stderr } = await world.bsdup(upgradeArgs(world, '7.9-beta'), (_text, kill) => {
			if (moved === '') moved = move(world.mirror.dir);
			const [run] = readdirSync(world.state);
			const entries = run === undefined ? [] : readJournal(join(world.state, run, 'journal.jsonl')).entries;
			// What comes after is every upgrade's.
			if (entries.some((entry) => entry.kind === 'step' && entry.id === 'verify' && entry.status === 'done')) kill('SIGINT');
		});
		const runs = readdirSync(world.state);
		expect(runs).toHaveLength(1);
		const folder = join(world.state, runs[0] ?? '');
		expect(stderr).toContain('goes on with a plan for the new one');
		const plan = readPlan(join(folder, 'plan.json'));
		expect(pinned(plan.target)?.list.sha256).toBe(moved);
		const steps = readJournal(join(folder, 'journal.jsonl')).entries.flatMap((entry) => (entry.kind === 'step' ? [entry] : []));
		expect(steps).toContainEqual(expect.objectContaining({ id: 'fetch', status: 'failed', detail: 'E_SNAPSHOT_MOVED' }));
		expect(steps).toContainEqual(expect.objectContaining({ id: 'verify', status: 'done' }));
		expect((await world.host.inside(`ls ${plan.dir}/jobs/backup`)).output).toBe('1\n');
		const asked = (file: string): number =>
			world.mirror.requests.filter((line) => line.startsWith('GET ') && line.endsWith(`/${file}`)).length;
		expect(asked('base79.tgz')).toBe(1);
	});
});
