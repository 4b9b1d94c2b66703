import type { Facts } from '../facts/facts.ts';
import { type Goal, pinned, type Target } from '../fetch/target.ts';
import { bringsSets, type Manifest, type SetsManifest } from '../manifest/schema.ts';
import { inRange } from '../manifest/version.ts';
import type { Values } from './expand.ts';
import { type HostScope, hostScope, withNames } from './host-scope.ts';
import type { PlanOptions } from './options.ts';
import type { Plan } from './plan.ts';

/** What of a manifest's data a plan draws on, computed once. */
export interface Scope extends HostScope {
	/** Items for `each:`. */
	items: Record<'files' | 'otherSets' | 'allSets' | 'stopping' | 'site' | 'keyBundle' | 'health', Values[]>;
	/** What `each` of them brings: the signed files, the site's own, the archive that holds the list's key. */
	bring: Record<'files' | 'site' | 'keyBundle', Omit<Plan['fetch'][number], 'step'>[]>;
}

/** Resolves names, files and words of one plan. Pure. */
export function scopeOf(manifest: Manifest, facts: Facts, target: Target | Goal, options: PlanOptions): Scope {
	const list = pinned(target);
	const scope =
		list === null || !bringsSets(manifest) ? goalScope(manifest, facts, target, options) : setsScope(manifest, facts, list, options);
	return { ...scope, values: withNames(manifest, scope.values) };
}

/** What is known of a target whose files the host's own tool brings. */
function goalScope(manifest: Manifest, facts: Facts, { version, kind }: Target | Goal, options: PlanOptions): Scope {
	const host = hostScope(manifest, facts, options);
	return {
		...host,
		values: { ...host.values, version },
		words: new Set([...host.words, kind]),
		items: { ...{ files: [], otherSets: [], allSets: [], site: [], keyBundle: [] }, ...hostItems(manifest, facts, options) },
		bring: { files: [], site: [], keyBundle: [] },
	};
}

function hostItems({ stoppable }: Manifest, { daemons }: Facts, { health = [] }: PlanOptions): Pick<Scope['items'], 'stopping' | 'health'> {
	return {
		stopping: stoppable.filter((daemon) => daemons.running.includes(daemon)).map((daemon) => ({ daemon })),
		health: health.map((command) => ({ command })),
	};
}

function setsScope(manifest: SetsManifest, facts: Facts, target: Target, options: PlanOptions): Scope {
	const host = hostScope(manifest, facts, options);
	const setFile = (set: string): string => manifest.sets.file.replace('{{set}}', set).replace('{{suffix}}', target.suffix);
	const listed = (name: string): boolean => target.files.some((file) => file.name === name);
	const wanted = manifest.sets.order.filter(
		(set) => (facts.sets.includes(set) || manifest.sets.required.includes(set)) && listed(setFile(set)),
	);
	const references = inRange(facts.release, manifest.sets.references.running)
		? manifest.sets.references.names.filter((set) => listed(setFile(set)))
		: [];
	const { single, multi = single, ramdisk } = manifest.kernels;
	const beside = manifest.beside.map((name) => name.replace('{{arch}}', target.arch));
	const loose = [manifest.mirror.build, ...beside, single, multi, ramdisk].filter((name) => name !== undefined).filter(listed);
	const names = [...new Set([...loose, ...[...references, ...wanted].map(setFile)])];

	const folder = target.url.slice(target.mirror.length);
	const urls = (name: string): string[] => target.mirrors.map((top) => `${top}${folder}/${name}`);
	const fetch = [
		{
			name: target.list.file,
			urls: urls(target.list.file),
			sha256: target.list.sha256,
			size: Buffer.byteLength(target.list.text),
		},
		...names.map((name) => ({ ...must(target, name), urls: urls(name) })),
	];
	const fileItem = (name: string): Values => {
		const file = fetch.find((one) => one.name === name);
		return { file: name, line: `SHA256 (${name}) = ${file?.sha256 ?? ''}`, ...urlsFor(file?.urls ?? []) };
	};
	const baseFile = setFile(manifest.sets.order.at(-1) ?? '');
	const multiprocessor = facts.multiprocessor && listed(multi);
	const mirror = hostMirror(manifest, facts, target, options);
	const packages = `${mirror}/${target.kind === 'snapshot' ? 'snapshots' : target.version}/packages/${facts.packageArch}/`;

	const { keyBundle } = target;
	const bundles = keyBundle === undefined ? [] : [{ ...keyBundle, name: keyBundle.file }];

	const values: Values = {
		...host.values,
		...{ version: target.version, suffix: target.suffix, mirror, kernel: multiprocessor ? multi : single },
		...{ key: target.list.key ?? '', oldKey: keyBundle?.key ?? '', list: target.list.file, listHash: target.list.sha256, baseFile },
		fileNames: names,
		// For awk(1): one word, the names apart by blanks.
		tops: (manifest.sets.tops ?? []).join(' '),
		fetchBytes: String(fetch.reduce((sum, file) => sum + (file.size ?? 0), 0)),
		pkgSnap: target.kind === 'snapshot' ? ['-D', 'snap'] : [],
		pkgPath: packages,
	};
	const told: [string, boolean][] = [
		['multiprocessor', multiprocessor],
		['signed', target.list.key !== null],
		['newKey', keyBundle !== undefined],
		['release', target.kind === 'release'],
		['snapshot', target.kind === 'snapshot'],
		...manifest.sets.order.map((set): [string, boolean] => [set, wanted.includes(set)]),
	];
	return {
		...host,
		values,
		words: new Set([...host.words, ...told.filter(([, holds]) => holds).map(([word]) => word)]),
		items: {
			files: fetch.map((file) => fileItem(file.name)),
			otherSets: wanted
				.map(setFile)
				.filter((name) => name !== baseFile)
				.map(fileItem),
			allSets: wanted.map(setFile).map(fileItem),
			...hostItems(manifest, facts, options),
			site: options.site.map(({ file, sha256 }) => ({ file, line: `SHA256 (${file}) = ${sha256}` })),
			keyBundle: bundles.map(({ name, sha256, url }) => ({ file: name, line: `SHA256 (${name}) = ${sha256}`, url: urlsFor([url]).url })),
		},
		bring: {
			files: fetch,
			site: options.site.map(({ file, sha256, path }) => ({ name: file, urls: [path], sha256, size: null })),
			keyBundle: bundles.map(({ name, url, sha256, size }) => ({ name, urls: [url], sha256, size })),
		},
	};
}

/** As the lines of the host name them: ftp(1) takes a bare path for the name of a host (main.c, isurl). */
function urlsFor(onMirrors: readonly string[]): { url: string; urls: string[] } {
	const urls = onMirrors.map((url) => (url.startsWith('/') ? `file://${url}` : url));
	return { url: urls[0] ?? '', urls };
}

/** Where the host itself asks later on, as for packages: a directory that the controller takes the sets from is none of its own. */
function hostMirror(manifest: SetsManifest, facts: Facts, target: Target, { fetchOn }: PlanOptions): string {
	const reached = fetchOn === 'host' ? /^(https?|ftp|file):/ : /^(https?|ftp):/;
	return [...target.mirrors, ...facts.mirrors].find((top) => reached.test(top)) ?? manifest.mirror.default;
}

function must(target: Target, name: string): Target['files'][number] {
	const file = target.files.find((one) => one.name === name);
	if (file === undefined) throw new Error(`not in the list: ${name}`);
	return file;
}
