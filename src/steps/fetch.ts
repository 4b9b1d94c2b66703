import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { download } from '../fetch/download.ts';
import { proveArchives } from '../fetch/prove-archives.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { quote } from '../transport/quote.ts';
import type { StepContext, StepOutcome } from './context.ts';
import { stepFailed } from './failure.ts';

/**
 * The controller fetches and lays the files on the host; hashes pinned in the plan decide, so that what is there
 * and right is left alone. The step's own commands are what the host does by itself without a controller.
 */
export async function runFetch(step: Step, context: StepContext): Promise<StepOutcome> {
	const { plan, host, link, transport } = context;
	if (await host.settle(step.id)) return 'already';
	const files = plan.fetch.filter((file) => file.step === step.id);
	const total = files.reduce((sum, file) => sum + (file.size ?? 0), 0);
	const meter = progressOf(step.id, total, context);
	const dir = transport.local ? plan.sets : join(context.cache, plan.target.list.sha256);

	await mkdir(dir, { recursive: true });
	await download({ files, dir, onBytes: (name, done) => meter(`fetch ${name}`, done), signal: context.signal });
	await proveArchives(
		dir,
		files.map(({ name }) => name),
		context.signal,
	);
	if (!transport.local) {
		meter('', -1);
		await link.run(`mkdir -p ${quote(plan.sets)}`);
		const there = await filesThere(files, context);
		for (const file of files) {
			if (!there.has(file.name)) {
				await link.retry(
					() =>
						transport.push(join(dir, file.name), `${plan.sets}/${file.name}`, {
							mode: 0o644,
							sha256: file.sha256,
							onBytes: (sent) => meter(`push ${file.name}`, sent),
							signal: context.signal,
						}),
					context.signal,
				);
			}
		}
	}
	if (!(await host.settle(step.id))) throw stepFailed(context, step, 'the files on the host are not those of the list');
	return 'done';
}

/** Names of the files that lie on the host with the right hash. */
async function filesThere(files: Plan['fetch'], { plan, link }: StepContext): Promise<Set<string>> {
	const tests = files.map(
		({ name, sha256 }) =>
			`[ "$(cksum -a sha256 ${quote(name)} 2>/dev/null)" = ${quote(`SHA256 (${name}) = ${sha256}`)} ] && echo ${quote(name)}`,
	);
	const { stdout } = await link.run(`cd ${quote(plan.sets)} || exit 0\n${tests.join('\n')}\ntrue`, { timeoutMs: 600_000 });
	return new Set(stdout.split('\n').filter((name) => name !== ''));
}

/** Adds up the bytes of all files and tells them a few times a second; a negative count starts a new tally. */
function progressOf(id: string, total: number, context: StepContext): (name: string, done: number) => void {
	let bytes = new Map<string, number>();
	let began = Date.now();
	let told = 0;
	return (name, done) => {
		if (done < 0) {
			bytes = new Map();
			began = Date.now();
			return;
		}
		bytes.set(name, done);
		if (Date.now() - told < 250) return;
		told = Date.now();
		const sum = [...bytes.values()].reduce((a, b) => a + b, 0);
		context.emit({
			kind: 'progress',
			id,
			done: sum,
			total: total === 0 ? null : total,
			rate: sum / Math.max(0.001, (told - began) / 1000),
		});
	};
}
