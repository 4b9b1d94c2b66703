import type { Journal } from '../journal/journal.ts';
import type { Plan } from '../plan/plan.ts';
import type { RunEvent } from '../report/events.ts';
import type { Console } from '../run/console.ts';
import type { HostLink } from '../run/host-link.ts';
import type { Carrier, HostProgram } from '../run/host-program.ts';
import type { Transport } from '../transport/transport.ts';

/** What every kind of step is given. */
export interface StepContext {
	plan: Plan;
	transport: Transport;
	link: HostLink;
	host: HostProgram;
	journal: Journal;
	emit: (event: RunEvent) => void;
	/** Ends the controller's waiting, never a job. */
	signal: AbortSignal;
	/** Asks the person; true = yes. */
	confirm: (lines: readonly string[]) => Promise<boolean>;
	/** Who carries the run from here on, and of whom else is known that they do not. */
	carrier: Carrier;
	/** Stop after each proven reboot over SSH. */
	pauseAtReboot: boolean;
	/** Where fetched files are kept on the controller, and the bytes that may stay there after a fetch. */
	cache: { dir: string; maxBytes: number };
	/** Tops of mirrors with user and password; plans have none. */
	logins: readonly string[];
	/** Bytes a second that downloads may take in all; null = no limit. */
	bandwidth: number | null;
	/** Asks for what the host's console shows; null where no command tells it. */
	console: Console | null;
	/** How long a reboot may take. Milliseconds. */
	rebootMs: number;
}

/** How a step ended for the run: `waiting` (not done) and `paused` (done) end the program with status 3. */
export type StepOutcome = 'done' | 'already' | 'waiting' | 'paused';
