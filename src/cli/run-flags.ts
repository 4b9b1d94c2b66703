import { Flags } from '@oclif/core';
import { usage } from './backup-flags.ts';
import { bandwidthFlag } from './size.ts';

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000 };

/** How long `--patience` says; minutes without a unit. Milliseconds. Throws E_USAGE. */
export function patienceMs(text: string): number {
	const [, number = '0', unit = ''] = /^(\d{1,6})([smh]?)$/.exec(text) ?? [];
	const ms = Number(number) * UNITS_MS[(unit || 'm') as keyof typeof UNITS_MS];
	if (ms > 0) return ms;
	throw usage(`--patience ${JSON.stringify(text)} is no time like 30 (minutes), 90s or 2h`, ['--patience 30']);
}

/** Flags of the commands that carry a run. */
export const runFlags = {
	yes: Flags.boolean({ char: 'y', default: false, description: 'confirm in advance' }),
	'pause-at-reboot': Flags.boolean({ default: false, description: 'over SSH: stop after each reboot, to look' }),
	patience: Flags.string({
		description: 'how long a host may stay away at a reboot or a lost connection: minutes, or with a unit, like 90s or 2h',
		default: '30',
		helpValue: 'TIME',
		parse: async (text) => {
			patienceMs(text);
			return text;
		},
	}),
	'take-over': Flags.boolean({ default: false, description: 'carry the run even if another bsdup seems to; make sure that it has ended' }),
	bandwidth: Flags.string({
		description: 'bytes a second that downloads may take in all',
		helpValue: '5M',
		parse: async (text) => {
			bandwidthFlag(text);
			return text;
		},
	}),
	state: Flags.string({ description: 'directory of the runs', helpValue: 'DIR', env: 'BSDUP_STATE' }),
};

/** What oclif parsed of those that decide how a run is carried. */
export interface RunFlags {
	yes: boolean;
	'pause-at-reboot': boolean;
	'take-over': boolean;
	/** How long a host may stay away; see `patienceMs`. */
	patience: string;
	/** A size, a second. */
	bandwidth?: string | undefined;
	/** Mirrors as the person named them, passwords included: a plan has none. */
	mirror?: string[] | undefined;
}

/** What a person may meet after a reboot; for help. */
export const VERDICTS = [
	'After each reboot the host gives a verdict: new system; rebooted, old system; never rebooted; came up in the installer; did not come',
	'back in --patience. Where the config file has a "console" command for the host (hosts: { db1: { host: root@192.0.2.7, console: "tail',
	'-n 40 /var/consoles/db1" } }), its last lines are shown with the verdict, and tell the installer from a loader.',
].join(' ');
