import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Facts } from '../../src/facts/facts.ts';
import type { Target } from '../../src/fetch/target.ts';
import { loadSetsManifest } from '../../src/manifest/load.ts';
import type { PlanOptions } from '../../src/plan/options.ts';
import { ROOT } from '../lab/root.ts';

const MIB = 1024 * 1024;
const hash = (name: string): string => createHash('sha256').update(name).digest('hex');

export const inPlace = await loadSetsManifest(join(ROOT, 'manifests/openbsd/in-place.yaml'));
export const ramdisk = await loadSetsManifest(join(ROOT, 'manifests/openbsd/ramdisk.yaml'));

/** Facts of a host that nothing speaks against, but for `changes`. */
export function makeFacts(changes: Partial<Facts> = {}): Facts {
	const release = changes.release ?? '7.7';
	const mount = (path: string): Facts['mounts'][number] => ({
		device: '/dev/sd0a',
		path,
		type: 'ffs',
		options: ['local'],
		size: 20_000 * MIB,
		free: 10_000 * MIB,
	});
	return {
		format: 1,
		host: 'host1.example.org',
		clock: 1_770_000_000,
		system: 'OpenBSD',
		release,
		flavour: 'release',
		kernel: `OpenBSD ${release} (GENERIC.MP) #1: Mon Nov 23 22:07:37 UTC 2026`,
		arch: 'amd64',
		packageArch: 'amd64',
		cpus: 2,
		multiprocessor: true,
		customKernel: false,
		bootTime: 1_769_000_000,
		securelevel: 1,
		mounts: [mount('/'), mount('/usr'), mount('/home')],
		rootDisk: 'sd0',
		sets: ['base', 'comp', 'man', 'game', 'xbase', 'xshare', 'xfont', 'xserv'],
		gnuTar: '/usr/local/bin/gtar',
		xRunning: false,
		forwarding: false,
		daemons: { enabled: ['sshd', 'ntpd'], running: ['sshd', 'ntpd'] },
		keys: {},
		installedBuild: null,
		installedList: null,
		mirrors: ['https://mirror.example.org/pub'],
		encryptedRoot: false,
		packages: [],
		privileges: { user: 'root', root: true, doas: false, sudo: false },
		...changes,
	};
}

/** A complete mirror folder of one version; before 5.7 with the etc sets, from 5.5 on signed. */
export function makeTarget(version: string, changes: Partial<Target> = {}): Target {
	const suffix = version.replace('.', '');
	const number = Number(suffix);
	const sets = ['base', 'comp', 'man', 'game', 'xbase', 'xshare', 'xfont', 'xserv', ...(number < 57 ? ['etc', 'xetc'] : [])];
	const names = ['bsd', 'bsd.mp', 'bsd.rd', 'BUILDINFO', 'INSTALL.amd64', ...sets.map((set) => `${set}${suffix}.tgz`)];
	const files = names.map((name) => ({ name, sha256: hash(name), size: 10 * MIB }));
	const text = files.map(({ name, sha256 }) => `SHA256 (${name}) = ${sha256}\n`).join('');
	const signed = number >= 55;
	return {
		name: version,
		kind: 'release',
		version,
		suffix,
		arch: 'amd64',
		mirror: 'https://mirror.example.org/pub',
		mirrors: ['https://mirror.example.org/pub'],
		url: `https://mirror.example.org/pub/${version}/amd64`,
		list: {
			file: signed ? 'SHA256.sig' : 'SHA256',
			sha256: hash(text),
			plainSha256: hash(text),
			key: signed ? `openbsd-${suffix}-base.pub` : null,
			text,
		},
		build: null,
		files,
		...changes,
	};
}

/** The sets of a FreeBSD release, as their MANIFEST lists them; `key`: what vouches for that. */
export function makeDistTarget(version: string, sets: readonly string[], key: string | null = null): Target {
	const target = makeTarget(version);
	const files = sets.map((set) => ({ name: `${set}.txz`, sha256: target.list.sha256, size: MIB }));
	return { ...target, suffix: '', files, list: { ...target.list, file: 'MANIFEST', key } };
}

export function makeOptions(changes: Partial<PlanOptions> = {}): PlanOptions {
	return {
		run: 'run-20261123220737-host1',
		unattended: false,
		backup: { paths: ['/home'], dir: '/mnt', volumeKiB: 4_194_300 },
		packages: true,
		stopForwarding: false,
		sets: null,
		site: [],
		fetchOn: 'controller',
		watchdogMinutes: 15,
		...changes,
	};
}
