import { createHash } from 'node:crypto';
import { dirname } from 'node:path/posix';
import { setTimeout as sleep } from 'node:timers/promises';
import { BsdupError } from '../errors.ts';
import { ownDir, renderScript } from '../host/script.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { undoneStep } from '../plan/undo.ts';
import { quote } from '../transport/quote.ts';
import type { RunResult, Transport } from '../transport/transport.ts';
import type { HostLink } from './host-link.ts';
import { type Look, parseLook, parseState, parseStates, type StepState } from './step-state.ts';
import { TAKE, takeRefused } from './take-refused.ts';

/** The status of `settle` for a step that is done without its proof (walk.sh). */
const UNPROVEN = 3;

/** The least that a look at a log gives when it does not give all. Bytes. */
export const LOG_PIECE = 1024 * 1024;

/** Looks at a job for which the host's programs fail before it counts, and the pause between them. Milliseconds. */
const LOOKS = 20;
const LOOK_AGAIN_MS = 1_000;

/** Refused by the program itself (die in runtime.sh). Status 1 alone is what rtld(1) ends with, too, where a library is just being replaced. */
const refused = ({ code, stderr }: RunResult): boolean => code === 1 && /^bsdup: /m.test(stderr);

/** The least that a call may take: a step's own test reads much on a slow disk. A host that is gone ends the connection. Milliseconds. */
const CALL_LIMIT_MS = 3_600_000;

/** Who takes the host: a sentence that is told to others, and what of those who had it before may be passed over. */
export interface Carrier {
	who: string;
	/** Those who are known to carry the run no more. */
	gone: readonly string[];
	/** The person says that whoever it was is gone. */
	takeOver: boolean;
}

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
		const { dir } = this.#plan;
		const own = [dirname(dir), dir].map((one) => `own_dir ${quote(one)}`).join(' && ');
		const lay = `umask 077\nmkdir -p ${quote(dir)} && ${own} && chmod 700 ${quote(dir)}`;
		this.#must(await this.#link.run(`${ownDir()}\n${lay}`), 'make the run directory');
		await put('resume.sh', renderScript(this.#plan), 0o700);
		await put('RECOVERY', this.#plan.recovery, 0o600);
		await put('plan.json', JSON.stringify(this.#plan), 0o600);
	}

	/** Takes the host for this run. Throws E_HOST_HELD, E_RUN_CARRIED naming the holder; E_ROLLED_BACK. */
	async hold(carrier: Carrier): Promise<void> {
		await this.#take('hold', carrier);
	}

	/** Takes the host, and from then on the run goes back only. `false`: it has gone back already. Throws E_NO_RETURN, E_RUN_ENDED too. */
	async turn(carrier: Carrier): Promise<boolean> {
		return (await this.#take('turn', carrier)) !== TAKE.goneBack;
	}

	/** Says that `who` carries the run no more; the host stays held by it. One try: it only spares others a question. */
	async leave(who: string): Promise<void> {
		await this.#transport.run(this.#line('leave', who), { timeoutMs: 5_000 }).catch(() => {});
	}

	/** The steps that run now. */
	async busy(): Promise<string[]> {
		const { stdout } = this.#must(await this.#call('busy'), 'tell what runs');
		return stdout.split('\n').filter((id) => id !== '');
	}

	/** The jobs that take back what was begun, in order, each with its state. */
	async due(): Promise<Map<string, StepState>> {
		return parseStates(this.#must(await this.#call('due'), 'tell what is to be taken back').stdout);
	}

	/** The last word of a run that was taken back: recorded, and the host let go. */
	async wentBack(): Promise<void> {
		this.#must(await this.#call('went-back'), 'record the end');
	}

	/** The last lines of an attempt's log. */
	async lastLines(step: string, attempt: number, lines: number): Promise<string> {
		return this.#must(await this.#call('last', step, String(attempt), String(lines)), 'read the log').stdout.trimEnd();
	}

	async #take(verb: 'hold' | 'turn', { who, gone, takeOver }: Carrier): Promise<number> {
		let result = await this.#call(verb, who);
		const other = result.stdout.trim();
		if (result.code === TAKE.carried && (takeOver || gone.includes(other))) result = await this.#call(verb, who, other);
		const refused = takeRefused(result, this.#plan, this.#transport.name);
		if (refused !== undefined) throw refused;
		if (result.code !== TAKE.goneBack) this.#must(result, 'take the host');
		return result.code ?? 0;
	}

	/** What the steps found worth telling at the end, a line each. */
	async report(): Promise<string[]> {
		const { stdout } = this.#must(await this.#call('report'), 'tell its report');
		return stdout.split('\n').filter((line) => line !== '');
	}

	/** Lets the host go. Throws E_HOST_PROGRAM where a step still runs there. */
	async release(): Promise<void> {
		this.#must(await this.#call('release'), 'let the host go');
	}

	/** All steps' states in one round trip. */
	async states(): Promise<Map<string, StepState>> {
		return parseStates(this.#must(await this.#call('states'), 'read the record').stdout);
	}

	/** True if nothing is left to do: by the record, or by the step's own test, which is then recorded. */
	async settle(step: string): Promise<boolean> {
		return (await this.settled(step)) === 'done';
	}

	/** The same; `unproven`: its own test says that it is done, but its proof does not hold. */
	async settled(step: string): Promise<'done' | 'unproven' | 'left'> {
		const { code } = await this.#call('settle', step);
		return code === 0 ? 'done' : code === UNPROVEN ? 'unproven' : 'left';
	}

	/** True if the step's proof holds. */
	async proven(step: string): Promise<boolean> {
		return (await this.#call('proof', step)).code === 0;
	}

	/** As what the host came back from the step's newest attempt, by the step's own lines; '' where nothing is told, or it was told before. */
	async returned(step: string): Promise<string> {
		return this.#must(await this.#call('returned', step), 'tell as what it came back').stdout.trim();
	}

	/** Starts attempt `attempt` and looks at it a moment later; a second call with the same number starts nothing. */
	async start(step: string, attempt: number): Promise<Look> {
		return this.#look(`start ${step}`, 'start', step, String(attempt));
	}

	/** Records that a person said yes to the step, so that nobody is asked twice. */
	async consented(step: string): Promise<void> {
		this.#must(await this.#call('consented', step), 'record the confirmation');
	}

	/** Looks at an attempt; its log from byte `offset` on, all of it or at least `LOG_PIECE`. */
	async poll(step: string, attempt: number, offset: number): Promise<Look> {
		return this.#look(`follow ${step}`, 'poll', step, String(attempt), String(offset));
	}

	/**
	 * Follows the log of an attempt through one process; ends with the connection, or with a job that fails. `lead` also starts the
	 * attempt, with the follower there before its first command; where it was begun before, it does nothing. E_TIMEOUT after `timeoutMs`.
	 */
	async follow(
		verb: 'lead' | 'follow',
		step: Step,
		attempt: number,
		timeoutMs: number,
		onText: (text: string) => void,
		signal: AbortSignal,
	): Promise<void> {
		const line = this.#line(verb, step.id, String(attempt));
		const { code, stderr } = await this.#transport.run(line, { timeoutMs, onStdout: onText, signal });
		if (code === 1) onText(stderr); // why it was not begun: of that there is no log
	}

	/** One look, no patience: has the host been rebooted since the step began? Throws when it cannot be reached. */
	async verdict(step: string): Promise<StepState & { rebooted: boolean }> {
		await this.#transport.connect();
		const { stdout } = this.#must(await this.#transport.run(this.#line('verdict', step), { timeoutMs: 20_000 }), 'read the verdict');
		const [word, ...rest] = stdout.trim().split(' ');
		return { ...parseState(rest.join(' ')), rebooted: word === 'rebooted' };
	}

	/** Runs an attended step on the person's terminal, until `signal` tells that it is gone or bsdup is to end. */
	async attended(step: string, signal: AbortSignal): Promise<boolean> {
		return (await this.#transport.terminal(`sh ${quote(this.#script)} attended ${step}`, signal)).code === 0;
	}

	async #look(what: string, ...line: [string, ...string[]]): Promise<Look> {
		// As bytes: what is no text, or is cut in the middle of a character, must not move the next offset.
		const once = (): Promise<RunResult> => this.#link.run(this.#line(...line), { encoding: 'latin1' });
		let result = await once();
		// The job may just be replacing the programs that look at it, sh itself and its libraries among them.
		for (let looks = 1; looks < LOOKS && result.code !== 0 && !refused(result); looks++) {
			await sleep(LOOK_AGAIN_MS);
			result = await once();
		}
		const { stdout } = this.#must(result, what);
		return parseLook(stdout);
	}

	async #call(verb: string, ...args: string[]): Promise<RunResult> {
		// The test of a backup reads all of it again, which may take as long as writing it did.
		const { timeout = 0 } = this.#plan.steps.find(({ id }) => id === undoneStep(args[0] ?? '')) ?? {};
		return this.#link.run(this.#line(verb, ...args), { timeoutMs: Math.max(CALL_LIMIT_MS, timeout * 1000) });
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
