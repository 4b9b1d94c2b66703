import { quote } from '../transport/quote.ts';
import type { Backup } from './backups.ts';
import { unescaped } from './names.ts';
import { plainPath } from './plain-path.ts';

/** A tar that was found. */
export interface Tar {
	program: string;
	gnu: boolean;
}

/** Packages lie where the PATH of a bare login does not reach. */
const SEARCH = 'PATH=$PATH:/usr/local/bin; export PATH';

/**
 * What every tar that reads is begun with. Its words are those of C, but characters stay the login's, as they were for the backup: in C a
 * name that base tar wrote in UTF-8 has no letters, which libarchive's tar takes for an error, and some iconv(3) makes question marks of.
 */
export const IN_C = 'LC_CTYPE="${LC_ALL:-${LC_CTYPE:-${LANG:-C.UTF-8}}}" LC_MESSAGES=C LC_ALL=';

/** A file of a directory as a word for sh, never an option. */
export function pathIn(dir: string, file: string): string {
	return quote(`${dir.replace(/\/+$/, '')}/${file}`);
}

/** Prints the path of a GNU tar, one that lies beside the volumes last; nothing where there is none. `dir`: null = they are elsewhere. */
export function findTarScript(dir: string | null): string {
	return [
		SEARCH,
		`for t in gtar tar gnutar${dir === null ? '' : ` ${pathIn(dir, 'gtar')}`}; do`,
		'case $("$t" --version 2>/dev/null </dev/null) in *"GNU tar"*) command -v "$t"; exit 0 ;; esac',
		'done',
	].join('\n');
}

/** `BYTES NAME`, a line for each plain file of a directory. */
export function filesScript(dir: string): string {
	return `cd ${quote(dir)} && for f in *; do if [ -f "$f" ]; then echo "$(wc -c <"./$f") $f"; fi; done`;
}

/** Prints the SHA256 of a file with what the host has, or what keeps it from that, as a disk that fails. */
export function hashScript(dir: string, file: string): string {
	const path = pathIn(dir, file);
	return `if command -v sha256 >/dev/null; then sha256 -q ${path}; else cksum -a sha256 ${path} 2>/dev/null || sha256sum ${path}; fi`;
}

/** The first bytes of each file, so many that head and what follows are in them; short files are filled up with zeros. */
export const HEAD_BYTES = 1024;

/** Prints HEAD_BYTES of each file, one after the other; zeros for one that is empty or that the disk does not give. */
export function headsScript(dir: string, files: readonly string[]): string {
	const words = files.map((file) => quote(`./${file}`)).join(' ');
	const head = (file: string): string => `dd if=${file} bs=${HEAD_BYTES} count=1 conv=sync 2>/dev/null`;
	const gives = '[ "$(dd if="$f" bs=1 count=1 2>/dev/null | wc -c)" -gt 0 ]';
	return `cd ${quote(dir)} && for f in ${words}; do if ${gives}; then ${head('"$f"')}; else ${head('/dev/zero')}; fi; done`;
}

/** How tar is given the volumes: one `-f` each, in their order. No prompt, no volume script that could go astray (F:C). */
export function volumeWords(dir: string, files: readonly string[]): string {
	return files.map((file) => `-f ${pathIn(dir, file)}`).join(' ');
}

/** Members as tar takes them; base tars take names for patterns, which are escaped. */
export function memberWords(tar: Tar, members: readonly string[]): string {
	const words = members.map((name) => ` ${quote(tar.gnu ? name : name.replace(/[\\*?[]/g, '\\$&'))}`).join('');
	return words === '' || !tar.gnu ? words : ` --${words}`;
}

/** Lists the members; `mode`: `t` names, `tv` as ls does. One name a line, odd characters escaped where tar can. */
export function listLine(tar: Tar, dir: string, { kind, files }: Backup, mode: 't' | 'tv', words = ''): string {
	const style = tar.gnu ? ' --quoting-style=escape' : '';
	if (kind === 'gnu-multivolume') return `${IN_C} ${quote(tar.program)} -${mode}M --force-local${style} ${volumeWords(dir, files)}${words}`;
	return `cat ${files.map((file) => pathIn(dir, file)).join(' ')} | ${IN_C} ${quote(tar.program)} -${mode}${style} -f -${words}`;
}

/** How GNU tar and libarchive's tell that a member is the same file as another, which the archive has before; and how pax(1)'s tar does. */
const LINK = /^(?:h.*? link to |-.*? == )(.*)$/;

/** How tars tell that no member has a name: GNU tar and libarchive's, and pax(1)'s. */
const NOT_THERE = /Not found in archive|patterns were not matched/;

/** Which paths tar has said are not in the archive; `members`: what they are called there. */
export function notFound(stderr: string, paths: readonly string[], members: readonly string[]): string[] {
	return NOT_THERE.test(stderr) ? paths.filter((_path, index) => stderr.includes(members[index] ?? '')) : [];
}

/** Prints the lines of hard links among the members named by `words`; its status is 0 if all of these are there. */
export function linksScript(tar: Tar, dir: string, backup: Backup, words: string): string {
	const list = `{ ${listLine(tar, dir, backup, 'tv', words)}; } 2>/dev/null`;
	return `{ ${list}; echo "status $?"; } | LC_ALL=C awk '/^h.* link to / || /^-.* == / { print } { last = $0 } END { exit last != "status 0" }'`;
}

/** The paths that hold the data of the hard links which `linksScript` printed, one character a byte. */
export function linkedIn(tar: Tar, lines: string): string[] {
	const links = lines.split('\n').filter((line) => !tar.gnu || line.startsWith('h'));
	const targets = links.flatMap((line) => LINK.exec(line)?.slice(1) ?? []);
	return targets.map((name) => plainPath(Buffer.from(tar.gnu ? unescaped(name) : name, 'latin1').toString('utf8')));
}

/** Reads the archive through; prints `unsafe NAME` for members with `..`, then `first NAME`, `members N` and `status N`. */
export function membersScript(tar: Tar, dir: string, backup: Backup): string {
	const judge = [
		'have { if (n++ == 0) first = last; if (last ~ /(^|\\/)\\.\\.(\\/|$)/ && bad++ < 5) print "unsafe " last }',
		'{ have = 1; last = $0 }',
		'END { print "first " first; print "members " n + 0; print last }',
	].join(' ');
	return `{ ${listLine(tar, dir, backup, 't')}; echo "status $?"; } | LC_ALL=C awk ${quote(judge)}`;
}
