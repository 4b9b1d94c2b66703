import { setTimeout as sleep } from 'node:timers/promises';
import { BsdupError, EXIT } from '../errors.ts';
import { decide } from '../journal/decide.ts';
import type { Step } from '../plan/plan.ts';
import { LOG_PIECE } from '../run/host-program.ts';
import type { Look, StepState } from '../run/step-state.ts';
import type { StepContext, StepOutcome } from './context.ts';
import { stepFailed } from './failure.ts';

const POLL_FIRST_MS = 150;
const POLL_LONGEST_MS = 1000;
/** Attempts that ended without a status (power cut, kill) are begun again this often; more means something keeps killing them. */
const LOST_LIMIT = 5;
const TAIL_LINES = 8;
/** What is longer without a line feed is told in pieces, so that no output fills the memory. Bytes. */
const LONGEST_LINE = 64 * 1024;

/** A step as a detached job on the host: done already, still running, or begun now; followed to its end and proven. */
export async function runHostJob(step: Step, context: StepContext, known: StepState): Promise<StepOutcome> {
	const { act } = decide(step, known, false);
	if (act === 'follow') {
		if ((await followJob(step, context, known.attempt)).state === 'ok') return proven(step, context);
	} else if (act === 'test' && (await context.host.settle(step.id))) return 'already';
	if (step.attended) return attended(step, context, known.attempt + 1);

	let lost = 0;
	let failures = 0;
	for (let attempt = known.attempt + 1; ; attempt++) {
		context.journal.append({ kind: 'step', id: step.id, status: 'running', attempt, detail: '' });
		const { state, rc, tail } = await followJob(step, context, attempt, await context.host.start(step.id, attempt));
		if (state === 'ok') return proven(step, context);
		if (state === 'lost' && ++lost <= LOST_LIMIT) {
			context.emit({ kind: 'notice', text: `${step.id} was cut on the host; it is begun again` });
		} else if (++failures >= step.attempts) {
			throw stepFailed(context, step, state === 'lost' ? `was cut ${lost} times` : `ended with status ${rc}`, tail);
		}
	}
}

/** Follows an attempt by asking again and again, from a first `look` on; a lost connection changes nothing. */
export async function followJob(step: Step, context: StepContext, attempt: number, first?: Look): Promise<StepState & { tail: string }> {
	// One of this terminal is not followed.
	if (step.attended) context.emit({ kind: 'notice', text: elsewhere(step, context, attempt) });
	const began = performance.now();
	const end = began + step.timeout * 1000;
	let begin: number | undefined;
	let look = first;
	let offset = 0;
	let pause = POLL_FIRST_MS;
	let rest = Buffer.alloc(0);
	const tail: string[] = [];
	const line = (bytes: Buffer): void => {
		const text = bytes.toString('utf8');
		context.emit({ kind: 'log', id: step.id, line: text });
		tail.push(text);
		if (tail.length > TAIL_LINES) tail.shift();
	};
	for (;;) {
		const { log, measured, ...state } = look ?? (await context.host.poll(step.id, attempt, offset));
		look = undefined;
		const [done, total = null] = measured;
		if (done !== undefined) {
			begin ??= done;
			const rate = (done - begin) / Math.max(1, (performance.now() - began) / 1000);
			context.emit({ kind: 'progress', id: step.id, done, total: total === null ? null : Math.max(total, done), rate });
		}
		offset += log.length;
		rest = Buffer.concat([rest, log]);
		for (let end = endOfLine(rest); end >= 0; end = endOfLine(rest)) {
			line(rest.subarray(0, end));
			rest = rest.subarray(rest[end] === LINE_FEED ? end + 1 : end);
		}
		// The log goes on where this look left off, whether the job has ended or not.
		const more = log.length >= LOG_PIECE;
		if (state.state !== 'running' && !more) {
			if (rest.length > 0) line(rest);
			return { ...state, tail: tail.join('\n') };
		}
		if (state.state === 'running' && performance.now() > end)
			throw stepFailed(context, step, `still runs after ${step.timeout} s; it is left running`);
		context.signal.throwIfAborted();
		if (more) continue;
		await sleep(pause, undefined, { signal: context.signal });
		pause = Math.min(pause * 1.5, POLL_LONGEST_MS);
	}
}

const LINE_FEED = 10;

/** Where the first line ends, or the first piece of one that is too long; -1 = nowhere yet. */
function endOfLine(bytes: Buffer): number {
	const end = bytes.indexOf(LINE_FEED);
	if (end > LONGEST_LINE || (end < 0 && bytes.length > LONGEST_LINE)) return LONGEST_LINE;
	return end;
}

async function attended(step: Step, context: StepContext, attempt: number): Promise<StepOutcome> {
	if (!process.stdin.isTTY) throw nobodyThere(step, context);
	context.journal.append({ kind: 'step', id: step.id, status: 'waiting', attempt, detail: 'a person at the terminal' });
	// Told first: the live list leaves the screen to the person.
	context.emit({ kind: 'step', id: step.id, status: 'waiting', detail: step.title });
	if (!(await context.host.attended(step.id, context.signal))) throw stepFailed(context, step, 'was not finished');
	return proven(step, context);
}

/** Begun all the same, it would ask for ever, and no signal would end it. */
function nobodyThere({ id }: Step, { plan }: StepContext): BsdupError {
	return new BsdupError({
		code: 'E_NO_TERMINAL',
		message: `${id} asks a person, and there is no terminal here`,
		state: 'The steps before it are done; this one was not begun.',
		next: [`bsdup resume ${plan.run}   (in a terminal)`],
		exit: EXIT.waiting,
	});
}

/** A host notices for hours not that a terminal is gone, and what runs on it, below the step's own shell, waits for an answer. */
function elsewhere({ id }: Step, { plan }: StepContext, attempt: number): string {
	return [
		`${id} still runs at the terminal where it was begun: answer it there. Where that terminal is gone, as with a lost connection, end`,
		`it on the host, and a resume begins it again here: sh -c 'pkill -HUP -g $(ps -o pgid= -p $(cat "${plan.dir}/jobs/${id}/${attempt}/act.pid"))'`,
	].join(' ');
}

async function proven(step: Step, context: StepContext): Promise<StepOutcome> {
	if (step.proof === '' || (await context.host.proven(step.id))) return 'done';
	throw stepFailed(context, step, 'ran, but its proof does not hold');
}
