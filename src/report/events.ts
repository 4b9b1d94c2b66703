/** How far long work is; see the event. */
export interface Progress {
	done: number;
	total: number | null;
	rate: number;
	left?: number | null;
	/** fetch: from a mirror to here · push: from here to the host. */
	way?: 'fetch' | 'push';
	files?: { name: string; done: number; total: number | null; mirror?: string }[];
}

/** What a run tells the renderers. A closed union: a renderer that forgets a kind does not compile. */
export type RunEvent =
	/** The steps of the plan, once, first. */
	| { kind: 'plan'; run: string; host: string; title: string; steps: { id: string; title: string }[] }
	| { kind: 'step'; id: string; status: 'running' | 'done' | 'already' | 'failed' | 'waiting'; detail?: string }
	/**
	 * Long work: bytes done, bytes in all (null = not known), bytes a second, seconds left (null = nobody can tell); where it is
	 * files, those under way, each with the mirror it comes from.
	 */
	| ({ kind: 'progress'; id: string } & Progress)
	/** A line of a step's own output. */
	| { kind: 'log'; id: string; line: string }
	/** A sentence for the person, outside any step. */
	| { kind: 'notice'; text: string }
	/** The last event: how it ended, the report as lines for people. */
	| { kind: 'end'; status: 'done' | 'failed' | 'waiting'; lines: string[] };

/** Takes events; `close` leaves the terminal clean. Nothing else writes to stdout meanwhile. */
export interface Renderer {
	event(event: RunEvent): void;
	close(): Promise<void>;
}

/** How far a step is whose work began at `began` (of Date.now()), by its rate so far. `done`, `total`: bytes. */
export function progressOf(id: string, done: number, total: number, began: number): RunEvent {
	return { kind: 'progress', id, done, total, rate: done / Math.max(1, (Date.now() - began) / 1000) };
}
