import { BsdupError } from '../errors.ts';
import { changedAt } from '../fetch/dated.ts';
import { bare } from '../fetch/mirror-errors.ts';
import { type Layout, resolveTarget } from '../fetch/resolve.ts';
import type { Target } from '../fetch/target.ts';
import { readSmall } from './read-small.ts';

/** What a look at a mirror is for. */
export interface Wanted {
	/** `snapshot` or `X.Y`. */
	to: string;
	arch: string;
	packageArch: string;
	/** Public keys by file name; without the right one a list is read, and not believed. */
	keys: Record<string, string>;
	layout: Layout;
	/** The list without a signature, for where no key is known; null where the system has none. */
	plainList: string | null;
	packages: { release: string; snapshot: string; file: string } | undefined;
	index: string | undefined;
}

/** What a mirror holds. */
export interface Look {
	target: Target;
	/** Nobody here has the key of its list. */
	unproven: boolean;
	packages: number | null;
	/** What is not of one build, or not there. */
	faults: string[];
}

const TIME_MS = 10_000;
/** Packages are built after their system; they lag behind a snapshot by days, and by more only where something is wrong. Seconds. */
const PACKAGES_LAG = 7 * 86_400;

/** Looks whether list, sets and packages of a mirror are there and of one build. Throws what resolveTarget throws. */
export async function lookAt(mirror: string, wanted: Wanted, signal: AbortSignal): Promise<Look> {
	const { target, unproven } = await resolve(mirror, wanted);
	signal.throwIfAborted();
	const faults = [...absent(target), ...(await otherSizes(target, mirror, wanted, signal))];
	let packages: number | null = null;
	if (wanted.packages !== undefined) {
		const { file, ...folders } = wanted.packages;
		const folder = folders[target.kind].replace('{{version}}', target.version).replace('{{arch}}', wanted.packageArch);
		try {
			packages = await changedAt(`${mirror}/${folder}/${file}`, TIME_MS);
			if (target.kind === 'snapshot' && packages !== null && target.build !== null && target.build - packages > PACKAGES_LAG)
				faults.push(`its packages are ${Math.floor((target.build - packages) / 86_400)} days older than its sets`);
		} catch (error) {
			if (error instanceof BsdupError && error.code === 'E_NOT_FOUND') faults.push(`it has no packages in ${folder}`);
		}
	}
	return { target, unproven, packages, faults };
}

async function resolve(mirror: string, { to, arch, keys, layout, plainList }: Wanted): Promise<Pick<Look, 'target' | 'unproven'>> {
	const request = { name: to, arch, mirror, keys };
	try {
		return { target: await resolveTarget({ ...request, layout }), unproven: layout.lists[0]?.signed !== true };
	} catch (error) {
		if (!(error instanceof BsdupError) || error.code !== 'E_KEY_UNKNOWN' || plainList === null) throw error;
		const plain = { ...layout, lists: [{ file: plainList, signed: false }] };
		return { target: await resolveTarget({ ...request, layout: plain }), unproven: true };
	}
}

/** Files of the list that the mirror does not have; nothing where it tells no sizes at all. */
function absent({ files }: Target): string[] {
	const missing = files.filter(({ size }) => size === null);
	if (missing.length === 0 || missing.length === files.length) return [];
	return [`not there: ${missing.map(({ name }) => name).join(' ')}`];
}

/** Sets whose size is not the one that the listing beside them tells: the mirror is in the middle of an update. */
async function otherSizes(target: Target, mirror: string, { index }: Wanted, signal: AbortSignal): Promise<string[]> {
	if (index === undefined) return [];
	const folder = `${mirror}${target.url.slice(target.mirror.length)}`;
	const text = await readSmall(`${folder}/${index}`, TIME_MS, signal).catch(() => Buffer.alloc(0));
	signal.throwIfAborted();
	const sizes = new Map(
		String(text)
			.split('\n')
			.map((line) => line.trim().split(/\s+/))
			.filter((words) => words.length >= 9 && /^\d+$/.test(words[4] ?? ''))
			.map((words): [string, number] => [words.at(-1) ?? '', Number(words[4])]),
	);
	const wrong = target.files.filter(({ name, size }) => size !== null && sizes.has(name) && sizes.get(name) !== size);
	return wrong.length === 0 ? [] : [`of another size than ${bare(index)} tells: ${wrong.map(({ name }) => name).join(' ')}`];
}
