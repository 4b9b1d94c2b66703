import { Flags } from '@oclif/core';

/** Flags of the commands that carry a run. */
export const runFlags = {
	yes: Flags.boolean({ char: 'y', default: false, description: 'confirm in advance' }),
	'pause-at-reboot': Flags.boolean({ default: false, description: 'over SSH: stop after each reboot, to look' }),
	patience: Flags.integer({ description: 'minutes a host may stay away at a reboot or a lost connection', default: 30, min: 1 }),
	'take-over': Flags.boolean({ default: false, description: 'carry the run even if another bsdup seems to; make sure that it has ended' }),
	bandwidth: Flags.string({ description: 'bytes a second that downloads may take in all', helpValue: '5M' }),
	state: Flags.string({ description: 'directory of the runs', helpValue: 'DIR', env: 'BSDUP_STATE' }),
};

/** What oclif parsed of those that decide how a run is carried. */
export interface RunFlags {
	yes: boolean;
	'pause-at-reboot': boolean;
	'take-over': boolean;
	/** Minutes a host may stay away. */
	patience: number;
	/** A size, a second. */
	bandwidth?: string | undefined;
	/** Mirrors as the person named them, passwords included: a plan has none. */
	mirror?: string[] | undefined;
}
