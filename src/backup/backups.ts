import { BsdupError, EXIT } from '../errors.ts';
import { parseList } from '../fetch/list.ts';
import { formatBytes } from '../report/progress.ts';
import { quote } from '../transport/quote.ts';
import type { Place } from './place.ts';
import { type BackupRecord, parseRecord } from './record.ts';

/** A backup in a directory, as far as its names and lists tell. */
export interface Backup {
	base: string;
	kind: BackupRecord['kind'];
	/** The volumes in their order. */
	files: string[];
	/** Their listed hashes; empty for one made by hand. */
	hashes: Map<string, string>;
	/** Null where it was not finished, or made by hand. */
	record: BackupRecord | null;
	/** Made by hand: nothing but volumes. */
	byHand: boolean;
}

const RECORD = '.MANIFEST.json';
const LIST = '.SHA256';
const NUMBER = /\.(\d+)$/;
const LETTERS = /\.([a-z]{2,3})$/;

/**
 * The backup to take in a directory: the one named `base`, or the only one; `volumes`: names of the volumes, given by a person.
 * Throws E_BACKUP_NONE, E_BACKUP_MANY (with all there are), E_BACKUP_RECORD, E_BACKUP_DIR.
 */
export async function findBackup(place: Place, base: string | undefined, volumes: readonly string[] = []): Promise<Backup> {
	const files = await place.files();
	if (volumes.length > 0) return namedVolumes(place, files, volumes);
	const bases = [...files.keys()].flatMap((name) =>
		[RECORD, LIST].filter((end) => name.endsWith(end)).map((end) => name.slice(0, -end.length)),
	);
	const known = new Set(bases.filter((one) => volumesOf(one, files).length > 0 || files.has(one + RECORD)));
	const wanted = base === undefined ? [...known] : [...known].filter((one) => one === base);
	if (wanted.length === 1) return readBackup(place, files, wanted[0] ?? '');
	const loose = [...files.keys()].filter((name) => !belongs(name, known));
	const made = known.size > 0 && base === undefined ? [] : await madeByHand(place, loose);
	const hand = made.filter((one) => base === undefined || one.base === base);
	if (wanted.length + hand.length === 1 && hand[0] !== undefined) return hand[0];
	const all = await Promise.all([...known].sort().map((one) => readBackup(place, files, one)));
	throw wanted.length + hand.length > 1 ? many(place, [...all, ...hand], files) : none(place, base, [...all, ...made]);
}

function belongs(name: string, known: ReadonlySet<string>): boolean {
	return [...known].some((base) => name.startsWith(`${base}.`));
}

/** What files without a list are: volumes of `tar -M` by their heads, and pieces of an archive by their names, where their heads tell none. */
async function madeByHand(place: Place, files: readonly string[]): Promise<Backup[]> {
	const pieces = splitsIn(files);
	const others = files.filter((name) => !pieces.flat().includes(name));
	const all = [volumesByHand(await place.chains(others))];
	for (const split of pieces) {
		const chains = await place.chains(split);
		const isSplit = chains[0]?.[0] === split[0] && chains[0]?.length !== split.length;
		all.push(isSplit ? [byHand(split, 'split')] : volumesByHand(chains));
	}
	return all.flat();
}

/** Groups of names as split(1) gives them, `X.aa X.ab …`, each in its order. */
function splitsIn(files: readonly string[]): string[][] {
	const firsts = files.filter((name) => /\.a{2,3}$/.test(name));
	const groups = firsts.map((first) => {
		const base = first.slice(0, first.lastIndexOf('.') + 1);
		return files.filter((name) => name.startsWith(base) && name.length === first.length && LETTERS.test(name)).sort();
	});
	return groups.filter(({ length }) => length > 1);
}

function volumesByHand(chains: readonly string[][]): Backup[] {
	return chains.map((chain) => byHand(chain));
}

function byHand(files: string[], kind: Backup['kind'] = 'gnu-multivolume'): Backup {
	const [first = ''] = files;
	const base = kind === 'split' ? first.replace(LETTERS, '') : first;
	return { base, kind, files, hashes: new Map(), record: null, byHand: true };
}

/** Volumes of a base by their names: `.1 .2 …` or, of a split, `.aa .ab …`. */
function volumesOf(base: string, files: ReadonlyMap<string, number>): string[] {
	const own = [...files.keys()].filter((name) => name.startsWith(`${base}.`) && !name.slice(base.length + 1).includes('.'));
	const numbered = own.filter((name) => NUMBER.test(name)).sort((a, b) => Number(NUMBER.exec(a)?.[1]) - Number(NUMBER.exec(b)?.[1]));
	return numbered.length > 0 ? numbered : own.filter((name) => LETTERS.test(name)).sort();
}

async function readBackup(place: Place, files: ReadonlyMap<string, number>, base: string): Promise<Backup> {
	const text = files.has(base + RECORD) ? await place.text(base + RECORD) : null;
	const record = text === null ? null : parseRecord(text, base + RECORD);
	const found = volumesOf(base, files);
	const list = files.has(base + LIST) ? parseList((await place.text(base + LIST)) ?? '') : new Map<string, string>();
	const names =
		record === null ? [...new Set([...found, ...[...list.keys()].filter((name) => NUMBER.test(name) || LETTERS.test(name))])] : [];
	const kind = record?.kind ?? (names.every((name) => NUMBER.test(name)) ? 'gnu-multivolume' : 'split');
	const order = volumesOf(base, new Map(names.map((name) => [name, 0])));
	return {
		base,
		kind,
		files: record?.volumes.map(({ file }) => file) ?? order,
		hashes: record === null ? list : new Map(record.volumes.map(({ file, sha256 }) => [file, sha256])),
		record,
		byHand: false,
	};
}

async function namedVolumes(place: Place, files: ReadonlyMap<string, number>, volumes: readonly string[]): Promise<Backup> {
	const absent = volumes.filter((name) => !files.has(name));
	if (absent.length > 0)
		throw new BsdupError({
			code: 'E_BACKUP_NONE',
			message: `${place.name} has no ${absent.join(', ')}`,
			state: 'Nothing was written.',
			next: [`ls ${quote(place.dir)}`],
			exit: EXIT.usage,
		});
	const [one, ...others] = await madeByHand(place, volumes);
	// What is no chain by its heads is taken as it was given; the check then tells what is wrong with it.
	return one !== undefined && others.length === 0 && one.files.length === volumes.length ? one : byHand([...volumes]);
}

function lineOf({ base, record, files: volumes, byHand: hand }: Backup, files: ReadonlyMap<string, number>): string {
	const bytes = volumes.reduce((sum, name) => sum + (files.get(name) ?? 0), 0);
	const what = record === null ? (hand ? 'made by hand' : 'not finished') : `of ${record.host}, ${record.made}`;
	return `  ${base}  (${what}, ${volumes.length} volume${volumes.length === 1 ? '' : 's'}, ${formatBytes(bytes)})`;
}

function many(place: Place, all: Backup[], files: ReadonlyMap<string, number>): BsdupError {
	return new BsdupError({
		code: 'E_BACKUP_MANY',
		message: `${place.name} holds ${all.length} backups:\n${all.map((one) => lineOf(one, files)).join('\n')}`,
		state: 'Nothing was written.',
		next: all.map(({ base }) => `--base ${quote(base)}`),
		exit: EXIT.usage,
	});
}

function none(place: Place, base: string | undefined, others: readonly Backup[]): BsdupError {
	return new BsdupError({
		code: 'E_BACKUP_NONE',
		message: `${place.name} holds no backup${base === undefined ? '' : ` named ${base}`}`,
		state: 'Nothing was written.',
		next: [
			...others.map((one) => `--base ${quote(one.base)}`),
			'mount the disk with the volumes',
			'--volume FILE …, for volumes made by hand',
		],
		exit: EXIT.usage,
	});
}
