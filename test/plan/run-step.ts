import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../../src/plan/plan.ts';
import type { BareTree } from '../lab/bare-tree.ts';

/** The lines of a step. Throws where the plan has none of that name. */
export function linesOf(plan: Plan, id: string): string {
	const step = plan.steps.find((one) => one.id === id);
	if (step === undefined) throw new Error(`no step ${id}`);
	return step.commands.join('\n');
}

/** Runs lines in a tree as the runner does, in one shell, `sh -e`; `typed` is on its standard input. */
export function runLines(on: BareTree, lines: string, typed = ''): { status: number | null; stdout: string; stderr: string } {
	writeFileSync(join(on.dir, 'step'), lines);
	return on.run(`echo '${typed}' | sh -e /step`);
}
