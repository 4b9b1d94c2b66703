import { ListrTaskState } from 'listr2';
import { cleanLine, cleanText } from './clean.ts';
import type { Renderer, RunEvent } from './events.ts';
import { formatProgress } from './progress.ts';
import { makeRows, type Row, View } from './view.ts';

const STATE = {
	running: ListrTaskState.STARTED,
	done: ListrTaskState.COMPLETED,
	already: ListrTaskState.COMPLETED,
	failed: ListrTaskState.FAILED,
	waiting: ListrTaskState.WAITING,
} as const;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/**
 * Held while a list is open. What hides the cursor for listr2 kills the process at a signal nobody else listens to, and
 * the run's own listener, heard once, is gone by then: the run would end without a word in its journal.
 */
const leaveToTheRun = (): void => {};

/**
 * The list that is drawn in place. Its rows are shown, never run: order, failure and signals belong to the run, so a row
 * changes when an event says so and not before. While a person is spoken to (a notice, a step that waits) the list is off
 * the screen and both streams are free; the next event draws it again.
 */
export function liveRenderer(stdout: NodeJS.WriteStream): Renderer {
	const rows = new Map<string, Row>();
	const waiting = new Set<string>();
	let view: View | undefined;
	let last: string[] = [];
	const write = (text: string): void => void stdout.write(`${cleanText(text)}\n`);

	const hide = (): void => {
		view?.end();
		view = undefined;
	};
	const show = (): void => {
		if (waiting.size === 0) view ??= new View([...rows.values()], stdout, false);
	};
	const begin = (event: Extract<RunEvent, { kind: 'plan' }>): void => {
		for (const signal of SIGNALS) process.on(signal, leaveToTheRun);
		write(`${event.title}\n${event.run} on ${event.host}`);
		makeRows(event.steps.map(({ title }) => cleanLine(title))).forEach((row, index) => {
			rows.set(event.steps[index]?.id ?? '', row);
		});
		show();
	};
	const step = ({ id, status, detail }: Extract<RunEvent, { kind: 'step' }>): void => {
		const row = rows.get(id);
		if (row === undefined) return;
		if (status === 'waiting') waiting.add(id);
		else waiting.delete(id);
		if (status === 'failed') row.message$ = { error: cleanText(detail ?? 'failed') };
		const words = [status === 'already' || status === 'waiting' ? status : '', status === 'failed' ? '' : (detail ?? '')];
		const mark = words.filter((word) => word !== '').join(': ');
		const title = cleanText(`${row.initialTitle}${mark === '' ? '' : ` (${mark})`}`);
		row.title$ = title;
		row.state$ = STATE[status];
		if (status === 'waiting') {
			hide();
			write(title);
		} else show();
	};
	const output = (id: string, text: string): void => {
		const row = rows.get(id);
		if (row === undefined || text.trim() === '') return;
		row.output$ = text;
		show();
	};
	return {
		event(event) {
			switch (event.kind) {
				case 'plan':
					return begin(event);
				case 'step':
					return step(event);
				case 'progress':
					return output(event.id, formatProgress(event));
				case 'log':
					return output(event.id, cleanLine(event.line));
				case 'notice':
					hide();
					return write(event.text);
				case 'end':
					last = [event.status, ...event.lines];
			}
		},
		async close() {
			hide();
			for (const row of rows.values()) {
				if (!row.isStarted()) continue;
				row.title$ = `${row.initialTitle} (not finished)`;
				row.state$ = ListrTaskState.WAITING;
			}
			if (rows.size > 0) await new View([...rows.values()], stdout, true).finish();
			for (const line of last) write(line);
			for (const signal of SIGNALS) process.off(signal, leaveToTheRun);
			rows.clear();
			last = [];
		},
	};
}
