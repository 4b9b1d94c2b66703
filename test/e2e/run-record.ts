import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import type { World } from '../lab/world.ts';

/** The plan of the world's one run, as the controller keeps it. */
export function planOf(on: World): Plan {
	const run = readdirSync(on.state).find((name) => name.startsWith('run-')) ?? '';
	return JSON.parse(readFileSync(join(on.state, run, 'plan.json'), 'utf8')) as Plan;
}

/** What each job shall execute: the step's own strings, and no step but these as a job. */
export function jobsOf(plan: Plan): Record<string, string> {
	const jobs = plan.steps.filter((step) => step.kind !== 'fetch' && step.kind !== 'confirm');
	return Object.fromEntries(jobs.map((step) => [step.id, step.commands.join('\n')]));
}

/** What each job on the host did execute. */
export async function executed(on: World, plan: Plan): Promise<Record<string, string>> {
	const { output } = await on.host.inside(`cd ${plan.dir}/jobs && for s in */1/script; do echo "== \${s%%/*}"; cat "$s"; done`);
	return Object.fromEntries(
		output
			.split(/^== /m)
			.slice(1)
			.map((text) => [text.split('\n', 1)[0], text.slice(text.indexOf('\n') + 1, -1)]),
	);
}

/** The lines that each step of the plan must have in what `--dry-run` printed, whose run had another id. */
export function shownSteps(plan: Plan, printed: string): { shown: string; planned: string }[] {
	// The run's id is in the names of its directory and of its backup.
	const id = (name: string): string => name.replace('run-', '');
	const run = id(/^run (\S+),/m.exec(printed)?.[1] ?? '');
	const shown = printed.replaceAll(run, id(plan.run));
	return plan.steps.map((step) => ({ shown, planned: step.commands.map((line) => `     ${line}\n`).join('') }));
}

/** Expects lines of the host's own process log to match these, each after the one before. */
export function expectOrder(on: World, order: readonly RegExp[]): void {
	const log = on.host.processLog();
	let at = 0;
	for (const next of order) {
		const found = log.findIndex((line, index) => index >= at && next.test(line));
		expect(found, `${next} does not come after what stands before it`).toBeGreaterThanOrEqual(0);
		at = found + 1;
	}
}
