import { BsdupError } from '../errors.ts';
import type { Transport } from '../transport/transport.ts';
import { Facts } from './facts.ts';
import { type Answer, PARSERS, Unreadable } from './parsers.ts';
import type { Probes } from './probes.ts';

const MARK = '@@bsdup';
const PATH = '/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin';

/**
 * One sh script with all probes, for base tools alone; it only reads. Its output is what `parseFacts` takes, at once or later.
 * Each probe runs in a subshell, so that none can end or change the others; the mark begins a line whatever was printed before.
 */
export function factsScript(probes: Probes): string {
	const frames = probes.probes.map(
		({ id, command }) => `echo '${MARK} ${id}'\n( ${command}\n) </dev/null 2>/dev/null\nrc=$?; echo; echo "${MARK} = $rc"`,
	);
	return [`PATH=${PATH}; LC_ALL=C; export PATH LC_ALL`, `echo "${MARK} system $(uname -s)"`, ...frames, `echo '${MARK} end'`, ''].join(
		'\n',
	);
}

/** Gathers the facts in one round trip. Throws E_FACTS naming each probe whose answer is not understood. */
export async function gatherFacts(transport: Transport, probes: Probes): Promise<Facts> {
	const { stdout, stderr } = await transport.run(factsScript(probes));
	return parseFacts(probes, stdout, stderr);
}

/** `uname -s` of the host where the script's output comes from; undefined where the output is something else. */
export function systemIn(output: string): string | undefined {
	return new RegExp(`^${MARK} system (\\S+)\r?$`, 'm').exec(output)?.[1];
}

/** The facts from the script's output. Throws E_FACTS with every fault; `stderr` only says why there may be no answers. */
export function parseFacts(probes: Probes, output: string, stderr = ''): Facts {
	const answers = answersIn(output);
	const faults: string[] = [];
	const values: Record<string, unknown> = {};
	for (const probe of probes.probes) {
		const answer = answers.get(probe.id);
		try {
			if (answer === undefined) throw new Unreadable('no answer');
			values[probe.id] = PARSERS[probe.parse](answer, probe);
		} catch (error) {
			if (!(error instanceof Unreadable)) throw error;
			const said = answer === undefined ? '' : `: ${JSON.stringify(answer.text.slice(0, 80))} (status ${answer.status})`;
			faults.push(`${probe.id}: ${error.message}${said} from ${probe.command}`);
		}
	}
	if (answers.size === 0) faults.splice(0, faults.length, `no answers at all: ${stderr.trim().slice(0, 200) || 'empty output'}`);
	const { daemonsEnabled, daemonsRunning, user, root, doas, sudo, ...rest } = values;
	const also = Object.fromEntries(Object.entries(rest).filter(([id]) => !(id in Facts.shape)));
	const facts = Facts.safeParse({
		format: 1,
		system: probes.system,
		...rest,
		...(Object.keys(also).length === 0 ? {} : { also }),
		daemons: { enabled: daemonsEnabled, running: daemonsRunning },
		privileges: { user, root, doas, sudo },
	});
	if (faults.length === 0 && facts.success) return facts.data;
	const issues = facts.success ? [] : facts.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
	throw new BsdupError({
		code: 'E_FACTS',
		message: `these answers of the host are not understood:\n${(faults.length > 0 ? faults : issues).join('\n')}`,
		next: ['run the command on the host and look', 'mend manifests/*/facts.yaml'],
	});
}

/** Cuts the output into answers. A carriage return before a line's end is dropped: outputs travel by other machines. */
function answersIn(output: string): Map<string, Answer> {
	const frame = new RegExp(`^${MARK} (\\w+)\n([\\s\\S]*?)\n${MARK} = (\\d+)$`, 'gm');
	const found = output.replaceAll('\r\n', '\n').matchAll(frame);
	return new Map([...found].map(([, id = '', text = '', status = '']) => [id, { text, status: Number(status) }]));
}
