import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listManifests } from '../../src/manifest/list.ts';
import { loadAnyManifest } from '../../src/manifest/load.ts';
import type { Manifest } from '../../src/manifest/schema.ts';
import { canEnterTrees } from '../lab/bare-tree.ts';
import { ROOT } from '../lab/root.ts';
import { type Case, casesIn, type Host, type Looked, look } from './check-cases.ts';
import { makeDistTarget, makeFacts } from './make.ts';

const files = (await listManifests(join(ROOT, 'manifests'))).filter(({ name }) => name.startsWith('freebsd/'));
const manifests = (await Promise.all(files.map(({ file }) => loadAnyManifest(file)))).filter((one): one is Manifest => !('target' in one));
const environment = manifests.find(({ method }) => method === 'boot-environment') as Manifest;
const cases = casesIn('./checks-freebsd/');
/** The method that has a check: that of boot environments, or another. */
const manifestOf = (check: string): Manifest | undefined =>
	[environment, ...manifests].find(({ checks }) => checks.some(({ id }) => id === check));

const system = {
	installed: '14.3-RELEASE',
	facts: makeFacts({ system: 'FreeBSD', release: '14.3', rootDisk: 'zroot/ROOT/default', sets: ['kernel', 'base', 'lib32'] }),
	target: makeDistTarget('15.0', ['kernel', 'base', 'lib32', 'src']),
	dirs: ['backup'],
} as const;
const lookAt = (host: Host, check?: string): Promise<Looked> => {
	const manifest = check === undefined ? environment : manifestOf(check);
	if (manifest === undefined) throw new Error(`no manifest has the check ${check}`);
	const target = host.to === undefined ? system.target : makeDistTarget(host.to, ['kernel', 'base', 'src']);
	return look(manifest, host, { ...system, target, dirs: [...system.dirs] }, check);
};

test('every check of the methods of boot environments and of packaged base has FreeBSD hosts on which it fires and on which it is quiet', () => {
	const told = cases.map(({ check }) => check);
	const both = manifests.filter(({ method }) => ['boot-environment', 'pkgbase'].includes(method));
	expect(both.length).toBe(2);
	expect(told).toEqual(expect.arrayContaining(both.flatMap(({ checks }) => checks.map(({ id }) => id))));
	for (const { fires, quiet } of cases) expect([fires.length, quiet.length].every((count) => count > 0)).toBe(true);
});

test('the release that runs is no target of a method that knows no patches, which it would take away', () => {
	const refusing = manifests.filter(({ checks }) => checks.some(({ id }) => id === 'runs-already'));
	expect(refusing.map(({ method }) => method).sort()).toEqual(['boot-environment', 'freebsd-update', 'sets']);
});

test('disks named as before 9 are told of by whichever method takes a host of before 13', () => {
	const telling = manifests.filter(({ checks }) => checks.some(({ id }) => id === 'old-disk-names'));
	expect(telling.map(({ method }) => method)).toEqual(expect.arrayContaining(['freebsd-update', 'sets']));
});

describe.skipIf(!canEnterTrees)('a check of a FreeBSD host (needs root or user namespaces)', () => {
	const each = (of: 'fires' | 'quiet'): [string, string, Case, Host][] =>
		cases.flatMap((one) => one[of].map((host): [string, string, Case, Host] => [one.check, host.title, one, host]));

	test.each(each('fires'))('%s fires: %s', async (check, _title, { severity }, host) => {
		const { found, status } = await lookAt(host, check);
		const { says = '', fix = '' } = manifestOf(check)?.checks.find(({ id }) => id === check) ?? {};
		const detail = host.says === undefined ? '' : `: ${host.says}`;
		expect(found).toEqual([{ id: check, severity: severity ?? 'refuse', says: says + detail, fix }]);
		expect(status).toBe(severity === 'warn' ? 0 : 1);
	});

	test.each(each('quiet'))('%s is quiet: %s', async (check, _title, _case, host) => {
		expect(await lookAt(host, check)).toEqual({ found: [], errors: '', status: 0 });
	});

	test('has nothing against a sound host, but that its only pool holds the backup', async () => {
		expect((await lookAt({ title: '' })).found.map(({ id }) => id)).toEqual(['backup-on-root']);
	});
});
