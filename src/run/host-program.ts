import { createHash } from 'node:crypto';
import { dirname } from 'node:path/posix';
import { BsdupError } from '../errors.ts';
import { renderScript } from '../host/script.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { quote } from '../transport/quote.ts';
import type { RunResult, Transport } from '../transport/transport.ts';
import type { HostLink } from './host-link.ts';

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

/** Exit status of the verb `hold` when another run holds the host. */
const HELD = 75;

/** Drives a run's own program on the host (src/host/runtime.sh) by its verbs. */
export class HostProgram {
	readonly #plan: Plan;
	readonly #transport: Transport;
	readonly #link: HostLink;
	readonly #script: string;

	constructor(plan: Plan, transport: Transport, link: HostLink) {
		this.#plan = plan;
		this.#transport = transport;
		this.#link = link;
		this.#script = `${plan.dir}/resume.sh`;
	}

	/** Lays the program, the plan and the recovery card on the host; the same bytes again do no harm. */
	async install(): Promise<void> {
		const put = async (name: string, text: string, mode: number): Promise<void> => {
			const bytes = Buffer.from(text);
			const sha256 = createHash('sha256').update(bytes).digest('hex');
			await this.#link.retry(() => this.#transport.push(bytes, `${this.#plan.dir}/${name}`, { mode, sha256 }));
		};
		await this.#must(
			await this.#link.run(`mkdir -p ${quote(this.#plan.dir)} && chmod 700 ${quote(this.#plan.dir)}`),
			'make the run directory',
		);
		await put('resume.sh', renderScript(this.#plan), 0o700);
		await put('RECOVERY', this.#plan.recovery, 0o600);
		await put('plan.json', JSON.stringify(this.#plan), 0o600);
	}

	/** Takes the host for this run. Throws E_HOST_HELD naming the holder. */
	async hold(holder: string): Promise<void> {
		const result = await this.#call('hold', holder);
		if (result.code === HELD) {
			const script = `${dirname(this.#plan.dir)}/${result.stdout.split(' ')[0]?.trim() ?? 'RUN'}/resume.sh`;
			throw new BsdupError({
				code: 'E_HOST_HELD',
				message: `${this.#transport.name} is held by ${result.stdout.trim()}`,
				state: 'Nothing was changed by this run.',
				next: [
					'bsdup resume on the machine that holds it',
					`sh ${script} status    (on the host: where that run stands)`,
					`sh ${script} release   (on the host: gives that run up)`,
				],
			});
		}
		this.#must(result, 'take the host');
	}

	/** What the steps found worth telling at the end, a line each. */
	async report(): Promise<string[]> {
		const { stdout } = this.#must(await this.#call('report'), 'tell its report');
		return stdout.split('\n').filter((line) => line !== '');
	}

	async release(): Promise<void> {
		this.#must(await this.#call('release'), 'let the host go');
	}

	/** All steps' states in one round trip. */
	async states(): Promise<Map<string, StepState>> {
		const result = this.#must(await this.#call('states'), 'read the record');
		return new Map(
			result.stdout
				.trim()
				.split('\n')
				.map((line) => {
					const [id = '', ...rest] = line.split(' ');
					return [id, parseState(rest.join(' '))];
				}),
		);
	}

	/** True if nothing is left to do: by the record, or by the step's own test, which is then recorded. */
	async settle(step: string): Promise<boolean> {
		return (await this.#call('settle', step)).code === 0;
	}

	/** True if the step's proof holds. */
	async proven(step: string): Promise<boolean> {
		return (await this.#call('proof', step)).code === 0;
	}

	/** Starts attempt `attempt` and looks at it a moment later; a second call with the same number starts nothing. */
	async start(step: string, attempt: number): Promise<Look> {
		return this.#look(`start ${step}`, 'start', step, String(attempt));
	}

	async consented(step: string): Promise<void> {
		this.#must(await this.#call('consented', step), 'record the confirmation');
	}

	/** Looks at an attempt; its log from byte `offset` on. */
	async poll(step: string, attempt: number, offset: number): Promise<Look> {
		return this.#look(`follow ${step}`, 'poll', step, String(attempt), String(offset));
	}

	/**
	 * Follows the log of an attempt through one process; ends with the connection, or with a job that fails. `lead` also starts the
	 * attempt, with the follower there before its first command; where it was begun before, it does nothing.
	 */
	async follow(verb: 'lead' | 'follow', step: Step, attempt: number, onText: (text: string) => void, signal: AbortSignal): Promise<void> {
		const timeoutMs = step.timeout * 1000;
		await this.#transport.run(this.#line(verb, step.id, String(attempt)), { timeoutMs, onStdout: onText, signal });
	}

	/** One look, no patience: has the host been rebooted since the step began? Throws when it cannot be reached. */
	async verdict(step: string): Promise<StepState & { rebooted: boolean }> {
		await this.#transport.connect();
		const { stdout } = this.#must(
			await this.#transport.run(`sh ${quote(this.#script)} verdict ${step}`, { timeoutMs: 20_000 }),
			'read the verdict',
		);
		const [word, ...rest] = stdout.trim().split(' ');
		return { ...parseState(rest.join(' ')), rebooted: word === 'rebooted' };
	}

	/** Runs an attended step on the person's terminal. */
	async attended(step: string): Promise<boolean> {
		return (await this.#transport.terminal(`sh ${quote(this.#script)} attended ${step}`)).code === 0;
	}

	async #look(what: string, ...line: [string, ...string[]]): Promise<Look> {
		// As bytes: what is no text, or is cut in the middle of a character, must not move the next offset.
		const { stdout } = this.#must(await this.#link.run(this.#line(...line), { encoding: 'latin1' }), what);
		const [state = '', measure = '', ...log] = stdout.split('\n');
		const words = measure.split(' ').filter((word) => /^\d+$/.test(word));
		return { ...parseState(state), measured: words.map(Number), log: Buffer.from(log.join('\n'), 'latin1') };
	}

	async #call(verb: string, ...args: string[]): Promise<RunResult> {
		return this.#link.run(this.#line(verb, ...args));
	}

	#line(verb: string, ...args: string[]): string {
		return ['sh', this.#script, verb, ...args].map(quote).join(' ');
	}

	#must(result: RunResult, what: string): RunResult {
		if (result.code === 0) return result;
		throw new BsdupError({
			code: 'E_HOST_PROGRAM',
			message: `${this.#transport.name} could not ${what}: ${result.signal ?? `status ${result.code}`} ${result.stderr.trim().slice(-500)}`,
			state: 'As the steps above say; the record is on the host.',
			next: ['bsdup resume', `sh ${this.#script} status   (on the host)`],
		});
	}
}

function parseState(text: string): StepState {
	const [attempt = '0', state = 'none', rc = '0'] = text.trim().split(' ');
	return { attempt: Number(attempt), state: state as StepState['state'], rc: Number(rc) || 0 };
}
