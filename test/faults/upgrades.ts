import type { SystemName } from '../lab/system.ts';

/** ssh: a controller elsewhere; console: bsdup, or the script alone, on the host itself. */
export type Over = 'ssh' | 'console';

/** An upgrade that is cut, and what it is asked for with. */
export interface Upgrade {
	from: SystemName;
	target: SystemName;
	method: string;
	over: Over;
}

const BACKUP = ['--backup-to', '/backup', '--backup', '/etc', '--backup', '/home', '--volume-size', '100K'];

/** What each method is asked for with; `mirror`: its URL. What a boot environment leaves untouched needs no backup. */
const ASKED: readonly { from: SystemName; target: SystemName; method: string; flags: (mirror: string) => string[] }[] = [
	{ from: '7.7', target: '7.8', method: 'in-place', flags: (mirror) => ['--to', '7.8', '--mirror', mirror, ...BACKUP] },
	{ from: '4.9', target: '4.9-newer', method: 'in-place', flags: (mirror) => ['--to', 'snapshot', '--mirror', `${mirror}/old`, ...BACKUP] },
	{ from: '7.7', target: '7.8', method: 'ramdisk', flags: (mirror) => ['--to', '7.8', '--mirror', mirror, ...BACKUP] },
	{
		from: '14.3-RELEASE',
		target: '15.0-RELEASE',
		method: 'boot-environment',
		flags: (mirror) => ['--to', '15.0', '--mirror', mirror, '--no-backup'],
	},
	{ from: '14.3-UFS', target: '15.0-RELEASE', method: 'sets', flags: (mirror) => ['--to', '15.0', '--mirror', mirror, '--no-backup'] },
	{ from: '9.3-RELEASE', target: '10.4-RELEASE', method: 'sets', flags: (mirror) => ['--to', '10.4', '--mirror', mirror, '--no-backup'] },
	{ from: '14.3-RELEASE', target: '15.0-RELEASE', method: 'freebsd-update', flags: () => ['--to', '15.0', '--no-backup'] },
	{ from: '15.0-pkgbase', target: '15.1-pkgbase', method: 'pkgbase', flags: () => ['--to', '15.1', '--no-backup'] },
];

/** All that are cut, or those a person asked for. */
export function upgrades(asked: { from?: string | undefined; method?: string | undefined; over?: string | undefined } = {}): Upgrade[] {
	return ASKED.filter(({ from, method }) => from === (asked.from ?? from) && method === (asked.method ?? method)).flatMap((one) =>
		(['ssh', 'console'] as const)
			.filter((over) => over === (asked.over ?? over))
			.map((over) => ({ from: one.from, target: one.target, method: one.method, over })),
	);
}

/** The words of its command line behind the host. */
export function flagsOf({ from, method }: Upgrade, mirror: string): string[] {
	const asked = ASKED.find((one) => one.from === from && one.method === method);
	if (asked === undefined) throw new Error(`no upgrade of ${from} by ${method} is known here`);
	return ['--method', method, ...asked.flags(mirror)];
}

/** One line for people. */
export function titleOf({ from, target, method, over }: Upgrade): string {
	return `${from} to ${target}, ${method}, ${over}`;
}
