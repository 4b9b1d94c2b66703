/** What the host's record says of a step's newest attempt. */
export interface StepState {
	attempt: number;
	state: 'none' | 'running' | 'ok' | 'already' | 'failed' | 'lost';
	rc: number;
}

/** An attempt as it stands. */
export interface Look extends StepState {
	/** Bytes done, and in all, where the step tells them. */
	measured: number[];
	/** What its log holds from the offset asked for on. */
	log: Buffer;
}

/** The states of `states` and `due`, a line a step: its id, then as parseState. */
export function parseStates(text: string): Map<string, StepState> {
	const lines = text.split('\n').filter((line) => line !== '');
	return new Map(lines.map((line) => line.split(' ')).map(([id = '', ...rest]) => [id, parseState(rest.join(' '))]));
}

/** One state, as `state` of runtime.sh prints it: attempt, state, status. */
export function parseState(text: string): StepState {
	const [attempt = '0', state = 'none', rc = '0'] = text.trim().split(' ');
	return { attempt: Number(attempt), state: state as StepState['state'], rc: Number(rc) || 0 };
}

/** What `look` of runtime.sh prints, read as latin1: the state, what is measured, the log. */
export function parseLook(text: string): Look {
	const [state = '', measure = '', ...log] = text.split('\n');
	const words = measure.split(' ').filter((word) => /^\d+$/.test(word));
	return { ...parseState(state), measured: words.map(Number), log: Buffer.from(log.join('\n'), 'latin1') };
}
