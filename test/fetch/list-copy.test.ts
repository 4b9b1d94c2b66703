import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layoutFor } from '../../src/cli/mirror-layout.ts';
import { resolveTarget } from '../../src/fetch/resolve.ts';
import type { Target } from '../../src/fetch/target.ts';
import { loadSetsManifest } from '../../src/manifest/load.ts';
import { ROOT } from '../lab/root.ts';

const manifest = await loadSetsManifest(join(ROOT, 'manifests/freebsd/boot-environment.yaml'));
const real = join(ROOT, 'test/fixtures/freebsd-15.0-amd64/MANIFEST');
const text = readFileSync(real, 'utf8');
const NAME = 'amd64-amd64-15.0-RELEASE';

describe('a list that is not signed', () => {
	let mirror: string;
	beforeAll(() => {
		mirror = mkdtempSync(join(tmpdir(), 'bsdup-copy-'));
		const folder = join(mirror, 'releases/amd64/amd64/15.0-RELEASE');
		mkdirSync(folder, { recursive: true });
		copyFileSync(real, join(folder, 'MANIFEST'));
	});
	afterAll(() => rmSync(mirror, { recursive: true }));

	const layout = layoutFor(manifest, { release: '14.3', packageArch: 'amd64' });
	const resolved = (keys: Record<string, string>, copyFile?: string): Promise<Target> =>
		resolveTarget({ name: '15.0', arch: 'amd64', mirror, keys, copyFile, layout });

	test('is taken by itself, with nobody who vouches for it', async () => {
		const target = await resolved({});
		expect(target).toMatchObject({ version: '15.0', suffix: '', kind: 'release', build: null, list: { file: 'MANIFEST', key: null } });
		expect(target.files.map(({ name }) => name)).toEqual(expect.arrayContaining(['base.txz', 'kernel.txz', 'lib32.txz', 'src.txz']));
	});

	test('is found in an archive of old releases, whose folders have another name', async () => {
		const archive = mkdtempSync(join(tmpdir(), 'bsdup-archive-'));
		const folder = join(archive, 'old-releases/amd64/amd64/15.0-RELEASE');
		mkdirSync(folder, { recursive: true });
		copyFileSync(real, join(folder, 'MANIFEST'));
		const asked = { name: '15.0', arch: 'amd64', keys: {}, layout };
		expect((await resolveTarget({ ...asked, mirror: archive })).url).toBe(folder);
		rmSync(folder, { recursive: true });
		const first = `${archive}/releases/amd64/amd64/15.0-RELEASE/MANIFEST is not there`;
		await expect(resolveTarget({ ...asked, mirror: archive })).rejects.toMatchObject({
			...{ code: 'E_NOT_FOUND', message: first },
			next: ['check --to and --mirror', expect.stringMatching(/^--mirror https:\/\/archive\.freebsd\.org /)],
		});
		rmSync(archive, { recursive: true });
	});

	test('is vouched for by a copy from elsewhere that holds the same, whatever its comments', async () => {
		expect((await resolved({ [NAME]: text.replaceAll('"', "'") })).list.key).toBe(NAME);
		expect((await resolved({ 'amd64-amd64-14.3-RELEASE': 'of another release' })).list.key).toBe(null);
	});

	test.each([
		['has another hash', text.replace(/^base\.txz\t..../m, 'base.txz\tffff'), 'base.txz differ'],
		['lacks a set', text.replace(/^src\.txz.*\n/m, ''), 'src.txz differ'],
		['has one more', `${text}more.txz\t${'0'.repeat(64)}\t1\tmore\t"more"\toff\n`, 'more.txz differ'],
	])('is refused where the copy %s', async (_how, copy, says) => {
		await expect(resolved({ [NAME]: copy })).rejects.toMatchObject({ code: 'E_LIST_COPY', message: expect.stringContaining(says) });
	});

	test('is not blamed for a copy that cannot be read', async () => {
		await expect(resolved({ [NAME]: '<html>\n' })).rejects.toMatchObject({
			code: 'E_LIST_FORMAT',
			message: expect.stringMatching(`^of the trusted copy, the host's own ${NAME}: .*line 1 is no hash`),
			next: [expect.stringContaining('--trusted-list')],
		});
	});

	test.each([
		['a person gave', '/home/ann/14.3', '/home/ann/14.3'],
		['the host has', undefined, `the host's own ${NAME}`],
	])('that differs is told with the copy that %s', async (_who, file, called) => {
		await expect(resolved({ [NAME]: text.replace(/^src\.txz.*\n/m, '') }, file)).rejects.toMatchObject({
			message: expect.stringContaining(`is not the one that ${called} holds: `),
			next: expect.arrayContaining(['--trusted-list FILE, a copy of the list of this very release']),
		});
		await expect(resolved({ [NAME]: '<html>\n' }, file)).rejects.toMatchObject({
			message: expect.stringContaining(`of the trusted copy, ${called}: `),
		});
	});
});
