import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { archiveOf } from '../archive.ts';
import type { InstallOptions } from '../install.ts';
import { type LabFile, program } from '../tree.ts';
import { writeFiles } from '../write-tree.ts';
import { FIRST_BE, installFreebsd, treeOf } from './install.ts';
import { FREEBSD_RELEASES, type FreebsdRelease } from './releases.ts';
import { freebsdSets } from './tree.ts';

/** A release as packages of base: what of it the repository `base_release_<minor>` holds. */
export interface PkgbaseRelease extends FreebsdRelease {
	/** Of the packages of base: 15.0, 15.0p1. */
	version: string;
	minor: number;
}

const FIRST = FREEBSD_RELEASES['15.0-RELEASE'];
const none = { oldFiles: [], oldLibs: [] };

/** Systems of packaged base, as data. Only the first can be installed; the others are gone to. */
export const PKGBASE = {
	'15.0-pkgbase': { ...FIRST, ...none, version: '15.0', minor: 0 },
	'15.0p1-pkgbase': { ...none, level: 1500, name: '15.0-RELEASE-p1', kernel: '15.0-RELEASE-p1', version: '15.0p1', minor: 0 },
	'15.1-pkgbase': { ...none, level: 1501, name: '15.1-RELEASE', kernel: '15.1-RELEASE', version: '15.1', minor: 1 },
} as const satisfies Record<string, PkgbaseRelease>;

export type PkgbaseName = keyof typeof PKGBASE;

/** One package. */
interface Package {
	name: string;
	version: string;
	deps: string[];
	files: LabFile[];
	/** What pkg says at the end of all for it. */
	message?: string;
}

/** Configuration files are merged, not replaced. */
const CONFIG = /^(etc\/(?!rc$)|root\/|\.|boot\/(device\.hints|loader\.conf))/;
/** The first that fits a path names its package. */
const OWNERS: [RegExp, string][] = [
	[/^boot\/kernel\//, 'FreeBSD-kernel-generic'],
	[/^boot\//, 'FreeBSD-bootloader'],
	[/^(usr\/sbin\/sshd$|etc\/ssh\/)/, 'FreeBSD-ssh'],
	[/^(lib\/|libexec\/|usr\/lib\/libc\.level$)/, 'FreeBSD-clibs'],
	[/^usr\/lib32\//, 'FreeBSD-lib32'],
	[/^etc\/rc$/, 'FreeBSD-rc'],
	[/^usr\/share\//, 'FreeBSD-utilities'],
	[/./, 'FreeBSD-runtime'],
];

/** The packages of base of a release. 15.1 has pam in one of its own, which only the set knows of (UPD 20251110), with a file that hosts have made themselves, and lacks one of 15.0. */
export function basePackages({ version, minor, ...release }: PkgbaseRelease): Package[] {
	const file = (path: string, text: string): LabFile => ({ path, text, mode: 0o444 });
	const { src: _src, ...sets } = freebsdSets(release);
	const owned = new Map<string, LabFile[]>();
	const own = (name: string, one: LabFile): void => void owned.set(name, [...(owned.get(name) ?? []), one]);
	for (const one of Object.values(sets).flat()) own(OWNERS.find(([path]) => path.test(one.path))?.[1] ?? '', one);
	own(minor === 0 ? 'FreeBSD-runtime' : 'FreeBSD-pam', file('usr/lib/pam_unix.so', `pam of ${release.level}\n`));
	if (minor === 0) own('FreeBSD-games', file('usr/bin/pom', 'only in 15.0\n'));
	else own('FreeBSD-pam', { path: 'etc/login.access', text: 'as 15.1 has it\n', mode: 0o644 });
	const packages = [...owned].map(([name, files]): Package => ({ name, version, deps: [], files, ...messageOf(name, minor) }));
	const deps = packages.map(({ name }) => name).filter((name) => name !== 'FreeBSD-games');
	return [...packages, { name: 'FreeBSD-set-minimal', version, deps, files: [] }];
}

function messageOf(name: string, minor: number): Pick<Package, 'message'> {
	return name === 'FreeBSD-runtime' && minor === 1 ? { message: 'Type "service unbound setup" before you restart it.' } : {};
}

/** What FreeBSD-ports has: `step` 0 is installed, 1 is what the repository holds by now. */
function portsPackages(step: 0 | 1): Package[] {
	const [pkg, gtar] = step === 0 ? ['2.4.2', '1.35'] : ['2.5.1', '1.36'];
	const gtarText = program('base', 'gtar', 1500).replace('# end', `# ${gtar}\n# end`);
	return [
		{ name: 'pkg', version: pkg, deps: [], files: [{ path: 'usr/local/etc/pkg.conf.sample', text: `# of ${pkg}\n`, mode: 0o644 }] },
		{ name: 'gtar', version: gtar, deps: [], files: [{ path: 'usr/local/bin/gtar', text: gtarText, mode: 0o755 }] },
	];
}

/** A module that is of one minor release. */
function kmodPackage(minor: number): Package {
	return {
		...{ name: 'drm-kmod', version: `6.6.150${minor}`, deps: [] },
		files: [{ path: 'boot/modules/drm.ko', text: `module of 15.${minor}\n`, mode: 0o555 }],
	};
}

function metaOf({ version, deps, files, message }: Package): string {
	const flat = files.reduce((sum, { text }) => sum + text.length, 0);
	const lines = [
		`version ${version}`,
		`flat ${flat}`,
		...deps.map((dep) => `dep ${dep}`),
		...(message === undefined ? [] : [`message ${message}`]),
	];
	return [...lines, ...files.map(({ path }) => `${CONFIG.test(path) ? 'config' : 'file'} ${path}`), ''].join('\n');
}

/** Installs 15.0 of packaged base below `top`. Returns its tree. */
export function installPkgbase(top: string, options: InstallOptions): string {
	const root = installFreebsd(top, '15.0-RELEASE', options);
	for (const path of ['var/db/pkg', 'var/db/etcupdate']) rmSync(join(root, path), { recursive: true });
	const file = (path: string, text: string): LabFile => ({ path, text, mode: 0o644 });
	const record = (repo: string, one: Package): LabFile[] => [
		file(`var/db/pkg/local/${one.name}`, `repo ${repo}\n${metaOf(one)}`),
		...one.files.filter(({ path }) => CONFIG.test(path)).map((was) => ({ ...was, path: `var/db/pkg/shipped/${one.name}/${was.path}` })),
	];
	const others = [...portsPackages(0), kmodPackage(0)];
	const base = basePackages(PKGBASE['15.0-pkgbase']);
	const extra = base.flatMap(({ files }) => files).filter(({ path }) => /pam_unix|pom$/.test(path));
	const url = (name: string): string => `url: "${options.mirror}/\${ABI}/${name}"`;
	writeFiles(root, [
		...extra,
		...others.flatMap(({ files }) => files),
		...base.flatMap((one) => record('FreeBSD-base', one)),
		...portsPackages(0).flatMap((one) => record('FreeBSD-ports', one)),
		...record('FreeBSD-ports-kmods', kmodPackage(0)),
		file(
			'etc/pkg/FreeBSD.conf',
			[
				`FreeBSD-ports: { ${url('quarterly')} }`,
				`FreeBSD-ports-kmods: { ${url(`kmods_quarterly_\${VERSION_MINOR}`)} }`,
				`FreeBSD-base: {\n  ${url(`base_release_\${VERSION_MINOR}`)},\n  enabled: no\n}\n`,
			].join('\n'),
		),
		file('etc/login.access', 'as this host has it\n'),
		file('usr/local/etc/pkg/repos/FreeBSD-base.conf', 'FreeBSD-base: { enabled: yes }\n'),
	]);
	mkdirSync(join(top, treeOf(FIRST_BE), 'var/cache/pkg'), { recursive: true });
	return root;
}

/** How the repositories may differ. */
export interface PkgbaseOptions {
	/** The system boots, and its sshd does not start; its check of the configuration says that all is well. */
	noSshd?: boolean;
	/** An installed package that the solver takes away for what is in base. */
	conflicts?: string;
}

/** Writes the repositories of a release below `top`, as the practice pkg(8) reads them: those of base, of ports and of their modules. */
export function publishPkgbase(top: string, name: PkgbaseName, { noSshd = false, conflicts }: PkgbaseOptions = {}): void {
	const release: PkgbaseRelease = PKGBASE[name];
	const sick = (file: LabFile): LabFile =>
		noSshd && file.path === 'usr/sbin/sshd' ? { ...file, text: '#!/bin/sh\n[ "$1" = -t ]\n' } : file;
	const base = basePackages(release).map((one) => ({ ...one, files: one.files.map(sick) }));
	const folder = join(top, 'FreeBSD:15:amd64');
	// It has a pkg as well, which the one of ports has left behind.
	const pkg: Package = { name: 'pkg', version: '2.4.0', deps: [], files: [] };
	publishRepository(join(folder, `base_release_${release.minor}`), release.level, [...base, pkg], conflicts);
	publishRepository(join(folder, `kmods_quarterly_${release.minor}`), release.level, [kmodPackage(release.minor)]);
	publishRepository(join(folder, 'quarterly'), 1500, portsPackages(1));
}

function publishRepository(dir: string, level: number, packages: readonly Package[], conflicts?: string): void {
	rmSync(dir, { recursive: true, force: true });
	mkdirSync(join(dir, 'All'), { recursive: true });
	const lines = packages.map((one) => {
		const bytes = archiveOf([{ path: '+META', text: metaOf(one), mode: 0o644 }, ...one.files], 'plain');
		writeFileSync(join(dir, 'All', `${one.name}-${one.version}.pkg`), bytes);
		const flat = one.files.reduce((sum, { text }) => sum + text.length, 0);
		return `${one.name} ${one.version} ${createHash('sha256').update(bytes).digest('hex')} ${flat} ${one.deps.join(',')}\n`;
	});
	const meta = [`osversion ${level}${level % 100 === 0 ? '068' : '000'}`, ...(conflicts === undefined ? [] : [`conflicts ${conflicts}`])];
	writeFileSync(join(dir, 'meta.conf'), `${meta.join('\n')}\n`);
	writeFileSync(join(dir, 'packagesite'), lines.join(''));
}
