import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/manifest/schema.ts';
import type { Finding } from '../../src/plan/finding.ts';
import { liveFindings } from '../../src/run/live-findings.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { canEnterTrees } from '../lab/bare-tree.ts';
import { type Case, casesIn, type Host, type Looked, look as lookAt } from './check-cases.ts';
import { inPlace, makeFacts, makeTarget, ramdisk } from './make.ts';

/** Cases of the first manifest, and of what the second looks at besides. */
const common = casesIn('./checks/');
const own = casesIn('./checks-ramdisk/');
const cases = [...common, ...own];
const manifestOf = ({ check }: { check: string }): Manifest => (own.some((one) => one.check === check) ? ramdisk : inPlace);

/** Runs the checks of a manifest, or one of them, on such an OpenBSD host. */
function look(host: Host, only?: string, manifest: Manifest = inPlace): Promise<Looked> {
	const installed = host.release ?? '7.7';
	const target = makeTarget(installed === '4.9' ? '5.0' : '7.8');
	return lookAt(manifest, host, { installed, facts: makeFacts({ release: installed }), target, dirs: ['backup', 'usr/rel'] }, only);
}

test('every check of the manifests has hosts on which it fires and on which it is quiet', () => {
	const ids = new Set([...inPlace.checks, ...ramdisk.checks].map(({ id }) => id));
	expect(cases.map(({ check }) => check).sort()).toEqual([...ids].sort());
	for (const { fires, quiet } of cases) expect([fires.length, quiet.length].every((count) => count > 0)).toBe(true);
});

describe.skipIf(!canEnterTrees)('a check of the host (needs root or user namespaces)', () => {
	const each = (of: 'fires' | 'quiet'): [string, string, Case, Host][] =>
		cases.flatMap((one) => one[of].map((host): [string, string, Case, Host] => [one.check, host.title, one, host]));

	test.each(each('fires'))('%s fires: %s', async (check, _title, { severity }, host) => {
		const { found, status } = await look(host, check, manifestOf({ check }));
		const { says = '', fix = '' } = manifestOf({ check }).checks.find(({ id }) => id === check) ?? {};
		const detail = host.says === undefined ? '' : `: ${host.says}`;
		expect(found).toEqual([{ id: check, severity: severity ?? 'refuse', says: says + detail, fix }]);
		expect(status).toBe(severity === 'warn' ? 0 : 1);
	});

	test.each(each('quiet'))('%s is quiet: %s', async (check, _title, _case, host) => {
		expect(await look(host, check, manifestOf({ check }))).toEqual({ found: [], errors: '', status: 0 });
	});

	test('has nothing against a sound 7.7 host by its install kernel either', async () => {
		expect((await look({ title: '' }, undefined, ramdisk)).found.map(({ id }) => id)).toEqual(['backup-on-root']);
	});

	test('has nothing against X by its install kernel, which the next boot of each hop starts again', async () => {
		const xenodm = { title: '', programs: { pgrep: 'echo 1234' } };
		expect((await look(xenodm, undefined, ramdisk)).found.map(({ id }) => id)).toEqual(['backup-on-root']);
		expect((await look(xenodm)).found.map(({ id }) => id)).toEqual(['x-running', 'backup-on-root']);
	});

	test.each(['4.9', '7.7'] as const)('has nothing against a sound %s host, but that its only disk holds the backup', async (release) => {
		expect((await look({ title: '', release })).found.map(({ id }) => id)).toEqual(['backup-on-root']);
	});

	test('does not hide another', async () => {
		const several = { title: '', programs: { mount: "echo '/dev/sd0a on / type ffs (local, read-only, softdep)'", id: 'echo 1000' } };
		expect((await look(several)).found.map(({ id }) => id)).toEqual(['root', 'read-only', 'softdep', 'backup-on-root']);
	});
});

describe('what the checks say', () => {
	const hear = (code: number | null, stdout: string, stderr = ''): Promise<Finding[]> =>
		liveFindings([], { run: async () => ({ code, signal: null, stdout, stderr }) } as unknown as Transport);

	test('is read whole, semicolons and colons too', async () => {
		const told = 'noise\nfinding: a-1: it is so; really: /usr\n  do this; or that\nwarning: b: hm\n  fine\n';
		expect(await hear(1, told)).toEqual([
			{ id: 'a-1', severity: 'refuse', says: 'it is so; really: /usr', fix: 'do this; or that' },
			{ id: 'b', severity: 'warn', says: 'hm', fix: 'fine' },
		]);
	});

	test.each<[string, number | null, string]>([
		['by a signal', null, 'finding: a: x\n  y\n'],
		['without a word', 1, ''],
		['after a warning', 1, 'warning: a: x\n  y\n'],
		['by an error of sh', 2, 'finding: a: x\n  y\n'],
	])('is not believed to be all when they broke off %s', async (_how, code, stdout) => {
		const last = (await hear(code, stdout, 'noise\nsh: no more memory\n')).at(-1);
		expect(last).toMatchObject({ id: 'checks', severity: 'refuse', says: 'the checks on the host broke off: sh: no more memory' });
	});
});
