import { existsSync, readFileSync } from 'node:fs';
import ssh2, {
	type AnyAuthMethod,
	type BaseAgent,
	type IdentityCallback,
	type ParsedKey,
	type SignCallback,
	type SigningRequestOptions,
} from 'ssh2';
import type { Reach } from './ssh-config.ts';

/** What a person said or typed once; a later connection of the same run does not ask again. Never written anywhere. */
export interface Memory {
	/** Host keys, in base64, by name and port. */
	trusted: Set<string>;
	/** Opened key files, by path. */
	keys: Map<string, ParsedKey>;
	/** Passwords by login. */
	passwords: Map<string, string>;
}

/** What the attempts and the login tell each other. */
export interface LoginState {
	/** Methods the server still takes; null before it said so. */
	left: readonly string[] | null;
	/** For people: what was tried. */
	tried: string[];
	/** Ends the login, when a person does. */
	giveUp(error: unknown): void;
}

const TRIES = 3;

/**
 * The ways to log in, one after the other, as ssh(1) tries them: keys that the agent holds or that lie open, then keys with a
 * passphrase, then what the server asks, then the password. `askSecret` is absent where nobody can answer.
 */
export async function* attempts(
	reach: Reach,
	state: LoginState,
	memory: Memory,
	askSecret?: (question: string) => Promise<string>,
): AsyncGenerator<AnyAuthMethod> {
	const username = reach.user;
	const may = (method: string): boolean => state.left === null || state.left.includes(method);
	yield { type: 'none', username };

	const agent = reach.agent === null ? undefined : ssh2.createAgent(reach.agent);
	const held = agent === undefined ? [] : await heldBy(agent);
	const locked: string[] = [];
	function* fromAgent(keys: readonly ParsedKey[]): Generator<AnyAuthMethod> {
		for (const key of agent === undefined || !may('publickey') ? [] : keys) {
			state.tried.push(`${key.comment || key.type} (agent)`);
			yield { type: 'agent', username, agent: new OneKeyAgent(agent as BaseAgent, key) as BaseAgent };
		}
	}
	function* fromFiles(): Generator<AnyAuthMethod> {
		for (const file of reach.identities.files) {
			const known = publicPart(file);
			const same = held.filter((key) => known?.getPublicSSH().equals(key.getPublicSSH()));
			const key = memory.keys.get(file) ?? openKey(file);
			if (same.length > 0) yield* fromAgent(same);
			else if (key === 'locked') locked.push(file);
			else if (key === undefined) state.tried.push(...uselessBecause(file));
			else if (may('publickey')) {
				state.tried.push(file);
				yield { type: 'publickey', username, key };
			}
		}
	}
	function* fromRest(): Generator<AnyAuthMethod> {
		if (reach.identities.only) return;
		const named = reach.identities.files.flatMap((file) => publicPart(file)?.getPublicSSH() ?? []);
		yield* fromAgent(held.filter((key) => !named.some((one) => one.equals(key.getPublicSSH()))));
	}
	const order = reach.identities.chosen ? [fromFiles, fromRest] : [fromRest, fromFiles];
	for (const part of order) yield* part();

	for (const file of locked) {
		if (!may('publickey')) break;
		state.tried.push(askSecret === undefined ? `${file} (has a passphrase, and nobody can be asked)` : file);
		for (let attempt = 0; askSecret !== undefined && attempt < TRIES; attempt++) {
			const key = openKey(file, await askSecret(`passphrase of ${file}: `));
			if (key === undefined || key === 'locked') continue;
			memory.keys.set(file, key);
			yield { type: 'publickey', username, key };
			break;
		}
	}

	if (askSecret === undefined) return;
	const login = `${reach.user}@${reach.host}:${reach.port}`;
	const secret = async (question: string): Promise<string> => {
		const text = memory.passwords.get(login) ?? (await askSecret(question));
		memory.passwords.set(login, text);
		return text;
	};
	for (let attempt = 0; attempt < TRIES && may('keyboard-interactive'); attempt++) {
		state.tried.push('keyboard-interactive');
		yield {
			type: 'keyboard-interactive',
			username,
			prompt: (_name, _instructions, _lang, prompts, finish) => {
				const answer = async (): Promise<string[]> => {
					const answers: string[] = [];
					// One hidden question is the password; of several, or of a shown one, the answer may be good for once only.
					const plain = prompts.length === 1 && prompts[0]?.echo !== true;
					for (const { prompt } of prompts) answers.push(await (plain ? secret : askSecret)(`${login} asks: ${prompt}`));
					return answers;
				};
				answer().then(finish, state.giveUp);
			},
		};
		memory.passwords.delete(login);
	}
	for (let attempt = 0; attempt < TRIES && may('password'); attempt++) {
		state.tried.push('password');
		yield { type: 'password', username, password: await secret(`password of ${reach.user}@${reach.host}: `) };
		memory.passwords.delete(login);
	}
}

/** The agent as if it held one key, so that the order of keys is ours. */
class OneKeyAgent extends ssh2.BaseAgent<ParsedKey> {
	readonly #agent: BaseAgent;
	readonly #key: ParsedKey;

	constructor(agent: BaseAgent, key: ParsedKey) {
		super();
		this.#agent = agent;
		this.#key = key;
	}

	override getIdentities(done: IdentityCallback<ParsedKey>): void {
		done(undefined, [this.#key]);
	}

	override sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions | SignCallback, done?: SignCallback): void {
		this.#agent.sign(key, data, options as SigningRequestOptions, done as SignCallback);
	}
}

/** The keys of an agent; none when it does not answer, since a socket left over from a login is common. */
function heldBy(agent: BaseAgent): Promise<ParsedKey[]> {
	return new Promise((resolve) => agent.getIdentities((error, keys) => resolve(error || keys === undefined ? [] : (keys as ParsedKey[]))));
}

function publicPart(file: string): ParsedKey | undefined {
	const open = openKey(file);
	if (open !== undefined && open !== 'locked') return open;
	for (const path of [`${file}.pub`, file]) {
		const key = parse(path);
		if (key !== undefined && !(key instanceof Error)) return key;
	}
	return undefined;
}

/** The private key of a file; undefined when there is none. */
function openKey(file: string, passphrase?: string): ParsedKey | 'locked' | undefined {
	const key = parse(file, passphrase);
	if (key === undefined) return undefined;
	if (key instanceof Error) return /encrypted|passphrase|decrypt|integrity/i.test(key.message) ? 'locked' : undefined;
	return key.isPrivateKey() ? key : undefined;
}

/** Why a file that is there is no key to log in with, for people; such as a key on a token, which this client does not speak. */
function uselessBecause(file: string): string[] {
	if (!existsSync(file)) return [];
	const key = parse(file);
	const why = key === undefined ? 'cannot be read' : key instanceof Error ? key.message : 'is no private key, and no agent holds it';
	return [`${file} (${why})`];
}

function parse(file: string, passphrase?: string): ParsedKey | Error | undefined {
	let bytes: Buffer;
	try {
		bytes = readFileSync(file);
	} catch {
		return undefined;
	}
	const key: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(bytes, passphrase);
	return Array.isArray(key) ? key[0] : key;
}
