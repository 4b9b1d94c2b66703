import { readFile } from 'node:fs/promises';
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter } from 'yaml';
import { BsdupError, EXIT } from '../errors.ts';
import { quote } from '../transport/quote.ts';
import { order } from './graph.ts';
import { placeholderFaults } from './placeholders.ts';
import { bringsSets, Manifest, type ManifestStep, missingOfSets, type SetsManifest, TaskManifest } from './schema.ts';
import { composeManifest } from './use.ts';
import { readYaml } from './yaml.ts';

/** Reads and validates the manifest of an upgrade. Throws E_MANIFEST with every fault as `file:line: what`, or E_MANIFEST_READ. */
export async function loadManifest(file: string): Promise<Manifest> {
	const manifest = await loadAnyManifest(file);
	if (!('target' in manifest)) return manifest;
	throw unusable(file, [`${file}:1: it has no target, so it is no upgrade`]);
}

/** The same, of a method that brings sets. Throws E_USAGE for one that does not. */
export async function loadSetsManifest(file: string): Promise<SetsManifest> {
	const manifest = await loadManifest(file);
	if (bringsSets(manifest)) return manifest;
	throw new BsdupError({
		code: 'E_USAGE',
		message: `${manifest.method} brings no sets, so it has no mirrors here`,
		next: ['choose another --method'],
		exit: EXIT.usage,
	});
}

/** The same for a job that leaves the system as it is. */
export async function loadTask(file: string): Promise<TaskManifest> {
	const manifest = await loadAnyManifest(file);
	if ('target' in manifest) return manifest;
	throw unusable(file, [`${file}:1: it is an upgrade; here one with \`target: none\` is needed`]);
}

/** The same for either kind. */
export async function loadAnyManifest(file: string): Promise<Manifest | TaskManifest> {
	const text = await readFile(file, 'utf8').catch((cause: unknown) => {
		throw new BsdupError({
			code: 'E_MANIFEST_READ',
			message: `cannot read the manifest ${file}`,
			next: ['bsdup manifest show'],
			exit: EXIT.usage,
			cause,
		});
	});
	return parseManifest(text, file);
}

/** The same from text; `file` names it in errors, and parts are looked for beside it. */
export function parseManifest(text: string, file: string): Manifest | TaskManifest {
	const composed = composeManifest(text, file);
	const lines = new LineCounter();
	const { document, value, faults: unread } = readYaml(composed.text, lines);
	const at = (line: number): string => {
		const from = composed.origin[line - 1] ?? { file, line };
		return `${from.file}:${from.line}`;
	};
	const faults = [...composed.faults, ...unread.map(({ offset, says }) => `${at(lines.linePos(offset).line)}: ${says}`)];
	const place = (path: readonly PropertyKey[]): string => at(lineOf(document, lines, path));
	let manifest: Manifest | TaskManifest | undefined;
	if (faults.length === 0) {
		const parsed = (isMap(document.contents) && document.has('target') ? TaskManifest : Manifest).safeParse(value);
		if (parsed.success) {
			manifest = { ...parsed.data, steps: withNeeds(parsed.data.steps) };
			for (const fault of meaningFaults(manifest)) faults.push(`${place(fault.path)}: ${fault.says}`);
		} else {
			for (const issue of parsed.error.issues) {
				// An unknown key is told where it stands, not where the map around it begins.
				const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
				for (const path of paths) faults.push(`${place(path)}: ${path.join('.') || 'the file'}: ${says(issue)}`);
			}
		}
	}
	if (manifest === undefined || faults.length > 0) throw unusable(file, faults);
	return manifest;
}

/** The steps with each need `id?` settled: kept as `id` where the manifest has that step, else left out. */
function withNeeds(steps: readonly ManifestStep[]): ManifestStep[] {
	const ids = new Set(steps.map(({ id }) => id));
	const settle = (need: string): string[] => (!need.endsWith('?') ? [need] : ids.has(need.slice(0, -1)) ? [need.slice(0, -1)] : []);
	return steps.map((step) => ({ ...step, needs: step.needs.flatMap(settle) }));
}

function unusable(file: string, faults: readonly string[]): BsdupError {
	return new BsdupError({
		code: 'E_MANIFEST',
		message: `the manifest cannot be used\n${faults.join('\n')}`,
		next: [`bsdup manifest check ${quote(file)}`],
		exit: EXIT.usage,
	});
}

/** The line of a key or of a list's item; of the nearest thing around it where it is missing. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
	let line = 1;
	let node: unknown = document.contents;
	for (const part of path) {
		const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part)) : undefined;
		const at = isSeq(node) ? node.items[Number(part)] : pair?.key;
		if (!isNode(at) || !at.range) return line;
		line = lines.linePos(at.range[0]).line;
		node = pair?.value ?? at;
	}
	return line;
}

function says(issue: { code: string; message: string }): string {
	return issue.code === 'unrecognized_keys' ? 'unknown key' : issue.message;
}

interface Fault {
	path: PropertyKey[];
	says: string;
}

/** What the schema cannot see: unknown needs, cycles, ids used twice, unknown placeholders. */
function meaningFaults(manifest: Manifest | TaskManifest): Fault[] {
	const missing = 'target' in manifest ? [] : missingOfSets(manifest);
	const brings = !('target' in manifest) && (missing.length > 0 || bringsSets(manifest));
	const faults: Fault[] = placeholderFaults(manifest, brings);
	faults.push(...missing.map((key) => ({ path: [key], says: `${key} is missing: a method brings sets whole, or not at all` })));
	const ids = new Set<string>();
	manifest.steps.forEach((step, index) => {
		if (ids.has(step.id)) faults.push({ path: ['steps', index, 'id'], says: `the step ${step.id} is written twice` });
		ids.add(step.id);
	});
	manifest.steps.forEach((step, index) => {
		step.needs.forEach((need, at) => {
			if (!ids.has(need)) faults.push({ path: ['steps', index, 'needs', at], says: `${step.id} needs ${need}, which is no step` });
		});
	});
	const ordered = faults.length === 0 ? order(manifest.steps) : undefined;
	if (ordered !== undefined && 'cycle' in ordered) {
		const index = manifest.steps.findIndex((step) => step.id === ordered.cycle[0]);
		faults.push({ path: ['steps', index, 'needs'], says: `the steps need each other in a circle: ${ordered.cycle.join(' -> ')}` });
	}
	return faults;
}
