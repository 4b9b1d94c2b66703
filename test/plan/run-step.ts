import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSetsManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import type { BareTree } from '../lab/bare-tree.ts';
import { ROOT } from '../lab/root.ts';
import { makeDistTarget, makeFacts, makeOptions } from './make.ts';

/** The plan of a FreeBSD 14.3 on UFS to 15.0 by its sets, without a backup. */
export async function planOfSets(): Promise<Plan> {
	const manifest = await loadSetsManifest(join(ROOT, 'manifests/freebsd/sets.yaml'));
	const facts = makeFacts({ system: 'FreeBSD', release: '14.3', rootDisk: 'ada0p2', sets: ['kernel', 'base'] });
	return buildPlan(manifest, facts, makeDistTarget('15.0', ['kernel', 'base', 'src']), makeOptions({ backup: null }), 'freebsd/sets');
}

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
