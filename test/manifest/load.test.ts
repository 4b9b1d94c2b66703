import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BsdupError } from '../../src/errors.ts';
import { listManifests } from '../../src/manifest/list.ts';
import { loadAnyManifest, loadManifest, loadTask, parseManifest } from '../../src/manifest/load.ts';

interface Case {
	title: string;
	replace: string;
	with: string;
	/** Line and a part of what is said about it. */
	faults: [number, string][];
}

const folder = new URL('./cases/', import.meta.url);
const fine = readFileSync(new URL('fine.yaml', folder), 'utf8');
const cases = readdirSync(folder)
	.filter((name) => name.endsWith('.json'))
	.map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Case);

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function faultOf(text: string): BsdupError {
	try {
		parseManifest(text, 'my.yaml');
	} catch (error) {
		if (error instanceof BsdupError) return error;
		throw error;
	}
	throw new Error('the manifest was accepted');
}

describe('a manifest', () => {
	test('that has no fault is read', () => {
		expect(parseManifest(fine, 'my.yaml').steps.map((step) => step.id)).toEqual(['one', 'two']);
	});

	test.each(cases)('is refused for $title, with file and line', (one) => {
		expect(fine.split(one.replace)).toHaveLength(2);
		const error = faultOf(fine.replace(one.replace, () => one.with));
		expect(error.code).toBe('E_MANIFEST');
		expect(error.exit).toBe(2);
		const told = error.message.split('\n').slice(1);
		expect(told).toEqual(one.faults.map(([line, says]) => expect.stringMatching(`^my\\.yaml:${line}: .*${escaped(says)}`)));
	});

	test('that is empty is refused', () => {
		expect(faultOf('').message).toContain('my.yaml:1: the file');
	});

	test('that is not there is refused by name', async () => {
		await expect(loadManifest('/nowhere/my.yaml')).rejects.toMatchObject({ code: 'E_MANIFEST_READ', exit: 2 });
	});

	test('of the package is fine, every one', async () => {
		const all = await listManifests('manifests');
		expect(all.map(({ name }) => name)).toContain('openbsd/in-place');
		for (const { file } of all) await loadAnyManifest(file);
	});

	test('of a job without a target is none of an upgrade, and the other way round', async () => {
		await expect(loadManifest('manifests/openbsd/backup.yaml')).rejects.toMatchObject({ code: 'E_MANIFEST' });
		await expect(loadTask('manifests/openbsd/in-place.yaml')).rejects.toMatchObject({ code: 'E_MANIFEST' });
		expect((await loadTask('manifests/openbsd/backup.yaml')).steps.map(({ id }) => id)).toContain('backup-finish');
	});
});
