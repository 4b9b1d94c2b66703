import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from './lab/root.ts';

const sources = ['src', 'commands'].flatMap((top) =>
	readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })
		.filter((file) => /\.(ts|sh)$/.test(file))
		.map((file) => join(top, file)),
);
const typed = sources.filter((file) => file.endsWith('.ts'));
const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** From the bottom up; a folder imports only from rows above its own, and from its own row. */
const LAYERS = [
	'base-dir errors families make-dir',
	'transport manifest',
	'facts fetch',
	'plan cache mirrors',
	'host journal report backup',
	'run steps',
	'cli',
	'commands',
].map((row) => row.split(' '));

/** `src/run/run.ts` is of `run`, `src/errors.ts` of `errors`, a command of `commands`. */
function folderOf(file: string): string {
	const [top = '', name = ''] = file.split('/');
	return top === 'src' ? name.replace('.ts', '') : top;
}

const layerOf = (file: string): number => LAYERS.findIndex((row) => row.includes(folderOf(file)));

describe('the engine', () => {
	test.each(sources)('%s knows no operating system by name', (file) => {
		expect(text(file)).not.toMatch(/openbsd|freebsd/i);
	});

	test.each(sources.filter((file) => file.startsWith('commands')))('%s only parses and delegates', (file) => {
		expect(text(file).split('\n').filter(Boolean).length).toBeLessThanOrEqual(60);
	});

	test.each(typed)('%s imports only from what lies below it', (file) => {
		if (file === 'src/cli.ts') return;
		expect(layerOf(file), 'a new folder has its place in LAYERS').toBeGreaterThanOrEqual(0);
		const above = [...text(file).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)]
			.map(([, path = '']) => relative(ROOT, resolve(ROOT, dirname(file), path)))
			.filter((other) => layerOf(other) > layerOf(file) || layerOf(other) === -1);
		expect(above).toEqual([]);
	});

	test.each(typed)('%s says what each thing it exports is for', (file) => {
		const lines = text(file).split('\n');
		const silent = lines.filter(
			(line, index) => /^export (async |abstract )*(function|class|const) (?!.* = z\.)/.test(line) && !lines[index - 1]?.endsWith('*/'),
		);
		expect(silent).toEqual([]);
	});
});

describe('the linter holds the doors shut', () => {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-doors-'));
	afterAll(() => rmSync(dir, { recursive: true }));

	const doors = {
		execa: ['transport'],
		ssh2: ['transport'],
		'basic-ftp': ['fetch'],
		'node:http': ['fetch'],
		'node:https': ['fetch'],
		listr2: ['report'],
	};
	const globals = { fetch: ['fetch'] };
	const folders = LAYERS.slice(1).flat();
	let told: string[] = [];

	beforeAll(() => {
		copyFileSync(join(ROOT, 'biome.json'), join(dir, 'biome.json'));
		for (const folder of folders) {
			const place = join(dir, folder === 'commands' ? folder : `src/${folder}`);
			mkdirSync(place, { recursive: true });
			for (const module of Object.keys(doors))
				writeFileSync(join(place, `${module.replace(':', '-')}.ts`), `import * as door from '${module}';\n\nexport const used = door;\n`);
			for (const name of Object.keys(globals)) writeFileSync(join(place, `global-${name}.ts`), `export const used = ${name};\n`);
			writeFileSync(join(place, 'clock.ts'), 'export const used = Date.now();\n');
		}
		const biome = join(ROOT, 'node_modules/.bin/biome');
		const { stdout } = spawnSync(biome, ['lint', '--reporter=github', '--max-diagnostics=none'], { cwd: dir, encoding: 'utf8' });
		told = [...stdout.matchAll(/title=lint\/style\/noRestricted\w+,file=([^,]+),/g)].map(([, file = '']) => file);
	});

	const shut = (file: string): boolean => told.some((path) => path.endsWith(file));

	test.each(Object.entries({ ...doors }))('%s is only for src/%s', (module, open) => {
		for (const folder of folders)
			expect([folder, shut(`${folder}/${module.replace(':', '-')}.ts`)]).toEqual([folder, !open.includes(folder)]);
	});

	test.each(Object.entries(globals))('the global %s is only for src/%s', (name, open) => {
		for (const folder of folders) expect([folder, shut(`${folder}/global-${name}.ts`)]).toEqual([folder, !open.includes(folder)]);
	});

	test('a plan is made without a clock', () => {
		expect(folders.filter((folder) => shut(`${folder}/clock.ts`))).toEqual(['plan']);
	});
});
