import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mustFollow } from '../../src/cli/hops.ts';
import { makePlan, type PlanRequest } from '../../src/cli/make-plan.ts';
import { BsdupError } from '../../src/errors.ts';
import { pinned } from '../../src/fetch/target.ts';
import { releasesBetween } from '../../src/manifest/version.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { publicKeyText } from '../lab/keys.ts';
import { publish } from '../lab/mirror.ts';
import { ROOT } from '../lab/root.ts';
import { makeFacts } from '../plan/make.ts';

let top: string;
beforeAll(() => {
	top = mkdtempSync(join(tmpdir(), 'bsdup-hops-'));
	for (const release of ['7.8', '7.9'] as const) publish(top, release);
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const made = (release: string, to: string, more: Partial<PlanRequest> = {}) => {
	const file = join(top, 'facts.json');
	const keys = Object.fromEntries(['77', '78'].map((number) => [`openbsd-${number}-base.pub`, publicKeyText(number)]));
	writeFileSync(file, JSON.stringify(makeFacts({ release, keys })));
	const flags = { backup: [], 'no-backup': true, 'no-packages': false, 'stop-forwarding': false, 'volume-size': '4000M', watchdog: 15 };
	const request = {
		...flags,
		to,
		mirror: [top],
		facts: file,
		unattended: true,
		'fetch-on': 'controller',
		...more,
	} as unknown as PlanRequest;
	return makePlan(request, undefined, ROOT);
};

describe('a target several releases ahead', () => {
	test.each([
		['7.7', '7.8', ['7.8']],
		['7.7', '8.1', ['7.8', '7.9', '8.0', '8.1']],
		['7.8', '7.8', ['7.8']],
		['7.8', '7.7', ['7.7']],
	])('from %s is reached at %s by %j', (from, to, way) => expect(releasesBetween(from, to)).toEqual(way));

	test('is a plan of the first hop that holds the others, the list of each pinned though its key is still to come', async () => {
		const { plan, findings } = await made('7.7', '7.9');
		expect(findings).toEqual([]);
		if (plan instanceof BsdupError) throw plan;
		expect(plan.target?.version).toBe('7.8');
		expect(plan.onward?.request).toMatchObject({ to: '7.9', 'no-backup': true, unattended: true });
		const [hop] = plan.onward?.hops ?? [];
		expect(hop?.to).toBe('7.9');
		expect(hop?.text).toContain('signify -C -p /etc/signify/openbsd-79-base.pub -x SHA256.sig');
		expect(hop?.text).not.toContain('sigbundle');
	});

	test('keeps the files it was given so that the later hops find them from any directory', async () => {
		const { plan } = await made('7.7', '7.9', {
			'no-backup': false,
			'backup-here': 'kept',
			manifest: relative('.', join(ROOT, 'manifests/openbsd/in-place.yaml')),
		});
		if (plan instanceof BsdupError) throw plan;
		const { 'backup-here': here, manifest } = plan.onward?.request ?? {};
		expect([here, manifest]).toEqual([resolve('kept'), join(ROOT, 'manifests/openbsd/in-place.yaml')]);
	});

	test.each<[string, string, string, RegExp]>([
		['a release that no mirror has', '7.7', '8.0', /8\.0/],
		['a flag day on the way, though the mirror has none of them', '5.3', '5.6', /the hop to 5\.5: time_t changed size/],
	])('is refused for %s', async (_what, from, to, says) => {
		const { plan, findings } = await made(from, to);
		expect(plan).toBeInstanceOf(BsdupError);
		expect(
			findings
				.filter(({ severity }) => severity === 'refuse')
				.map((one) => one.says)
				.join('\n'),
		).toMatch(says);
	});

	test('goes on only from the release and to the list that were meant', async () => {
		const { plan: first } = await made('7.7', '7.9');
		if (first instanceof BsdupError) throw first;
		const next = {
			...first,
			facts: { ...first.facts, release: '7.8' },
			target: { ...first.target, version: '7.9', list: { ...pinned(first.target)?.list, sha256: first.onward?.hops[0]?.list } },
		} as Plan;
		expect(() => mustFollow(first, next)).not.toThrow();
		const stayed = { ...next, facts: { ...next.facts, release: '7.7' } };
		expect(() => mustFollow(first, stayed)).toThrow(/is done, and does not go on to 7\.9: host1\.example\.org runs 7\.7, not 7\.8/);
		const other = { ...next, target: first.target };
		expect(() => mustFollow(first, other)).toThrow(/the list of 7\.9 is another one/);
	});

	test.each(['7.80', '07.8', '7.10'])('that can be no release, as %s, is told to be what is wrong', async (to) => {
		await expect(made('7.7', to)).rejects.toMatchObject({
			code: 'E_USAGE',
			message: `${to} is no release: after 7.9 comes 8.0, so there is one digit after the point`,
			next: ['--to 7.8'],
		});
	});

	test('takes no site set, which is of one release', async () => {
		const site = { site: ['/root/site78.tgz'], 'site-sha256': ['ab'.repeat(32)] };
		await expect(made('7.7', '7.9', site)).rejects.toMatchObject({ code: 'E_USAGE' });
	});
});
