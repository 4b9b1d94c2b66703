import { cleanLine, cleanText } from './clean.ts';
import type { Renderer, RunEvent } from './events.ts';
import { fold } from './fold.ts';
import { formatProgress, formatTime } from './progress.ts';

/** At most one line of progress a step in this time. */
const PROGRESS_EVERY_MS = 5_000;
/** When nothing was said for so long, a sign of life comes. */
const HEARTBEAT_MS = 30_000;
/** Width of the word before a step's id. */
const WORD = 8;

/**
 * One line an event: for logs, pipes, small terminals. `columns`: own sentences are folded to it, output of steps never
 * (it may be copied); undefined = nothing is folded.
 */
export function plainRenderer(write: (text: string) => void, columns?: number): Renderer {
	const progressAt = new Map<string, number>();
	const running = new Map<string, number>();
	let saidAt = Date.now();
	const raw = (text: string): void => {
		saidAt = Date.now();
		write(`${text}\n`);
	};
	// What is said may quote the host: an error, a finding, its report.
	const say = (text: string): void => raw(cleanText(columns === undefined ? text : fold(text, columns)));
	const heart = setInterval(() => {
		if (running.size === 0 || Date.now() - saidAt < HEARTBEAT_MS) return;
		const still = [...running].map(([id, since]) => `${id} (${formatTime((Date.now() - since) / 1000)})`);
		say(`${'still'.padEnd(WORD)} ${still.join(', ')}`);
	}, 1_000);
	heart.unref();

	const step = ({ id, status, detail }: Extract<RunEvent, { kind: 'step' }>): void => {
		if (status !== 'running') running.delete(id);
		else if (!running.has(id)) running.set(id, Date.now());
		say(`${status.padEnd(WORD)} ${id}${detail === undefined ? '' : `: ${detail}`}`);
	};
	const progress = (event: Extract<RunEvent, { kind: 'progress' }>): void => {
		if (event.done !== event.total && Date.now() - (progressAt.get(event.id) ?? 0) < PROGRESS_EVERY_MS) return;
		progressAt.set(event.id, Date.now());
		say(`${''.padEnd(WORD)} ${event.id}: ${formatProgress(event)}`);
	};
	return {
		event(event) {
			switch (event.kind) {
				case 'plan':
					return say(`${event.title}\n${event.run}: ${event.steps.length} steps on ${event.host}`);
				case 'step':
					return step(event);
				case 'progress':
					return progress(event);
				case 'log':
					return raw(`${''.padEnd(WORD)} ${event.id}| ${cleanLine(event.line)}`);
				case 'notice':
					return say(event.text);
				case 'end':
					return say([event.status, ...event.lines].join('\n'));
			}
		},
		async close() {
			clearInterval(heart);
		},
	};
}
