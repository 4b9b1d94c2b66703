import type { Plan } from '../plan/plan.ts';
import { quote } from '../transport/quote.ts';
import type { StepContext } from './context.ts';
import { Meter } from './meter.ts';

type File = Plan['fetch'][number];

/** Files on their way at once: while the host hashes one, the line carries another. */
const AT_ONCE = 2;

/** Names of the files that lie on the host with the right hash. */
export async function filesThere(files: readonly File[], { plan, link }: StepContext): Promise<Set<string>> {
	const tests = files.map(
		({ name, sha256 }) =>
			`[ "$(cksum -a sha256 ${quote(name)} 2>/dev/null || sha256 ${quote(name)} 2>/dev/null)" = ${quote(`SHA256 (${name}) = ${sha256}`)} ] && echo ${quote(name)}`,
	);
	const { stdout } = await link.run(`cd ${quote(plan.sets)} 2>/dev/null || exit 0\n${tests.join('\n')}\ntrue`, { timeoutMs: 600_000 });
	return new Set(stdout.split('\n').filter((name) => name !== ''));
}

/**
 * Lays files into the host's directory of sets, the largest first; each is hashed there, and one that broke off goes on where it
 * was. `pathOf`: where a file lies here. Throws what the transport throws; the first failure stops the others.
 */
export async function pushFiles(files: readonly File[], pathOf: (file: File) => string, context: StepContext, id: string): Promise<void> {
	const { plan, link, transport } = context;
	await link.run(`mkdir -p ${quote(plan.sets)}`);
	const meter = new Meter(id, 'push', files, context.emit);
	const queue = [...files].sort((a, b) => (b.size ?? 0) - (a.size ?? 0));
	const stop = new AbortController();
	const signal = AbortSignal.any([context.signal, stop.signal]);
	let failure: { error: unknown } | undefined;
	const worker = async (): Promise<void> => {
		for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
			const { name, sha256 } = file;
			const path = pathOf(file);
			const onBytes = (sent: number): void => meter.at(name, sent);
			const push = (): Promise<void> =>
				transport.push(path, `${plan.sets}/${name}`, { mode: 0o644, sha256, resume: true, onBytes, signal });
			try {
				await link.retry(push, signal);
			} catch (error) {
				failure ??= { error };
				queue.length = 0;
				stop.abort();
			}
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, worker));
	if (failure !== undefined) throw failure.error;
}
