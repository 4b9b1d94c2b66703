import { Args } from '@oclif/core';

/** Of every argument: it is what was typed. oclif would take what stands on standard input for one that is left out, as in a loop that reads names. */
export const typed = { ignoreStdin: true } as const;

/** The host of a command. */
export const hostArg = Args.string({ ...typed, description: '[user@]name[:port], or a host of your config file; none = this machine' });

/** The run of a command that looks on this machine only. */
export const newestRunArg = Args.string({ ...typed, description: 'a run, or a host; none = the newest run' });
