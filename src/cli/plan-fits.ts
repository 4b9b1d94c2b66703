import { join } from 'node:path';
import { BsdupError, EXIT } from '../errors.ts';
import { gatherFacts } from '../facts/gather.ts';
import { loadProbes, systemOf } from '../facts/probes.ts';
import type { Plan } from '../plan/plan.ts';
import type { Transport } from '../transport/transport.ts';

/** What must be as it was when the plan was made. */
const SAME = ['host', 'system', 'arch', 'release', 'kernel', 'rootDisk', 'multiprocessor'] as const;

/** Returns the plan if it was made for this host as it is now. Throws E_PLAN_OTHER_HOST naming what differs. */
export async function checkPlanFits(plan: Plan, transport: Transport, root: string): Promise<Plan> {
	const facts = await gatherFacts(transport, await loadProbes(join(root, 'manifests'), await systemOf(transport)));
	const differs = SAME.filter((name) => facts[name] !== plan.facts[name]);
	if (differs.length === 0) return plan;
	throw new BsdupError({
		code: 'E_PLAN_OTHER_HOST',
		message: `the plan does not fit ${transport.name}:\n${differs.map((name) => `${name}: plan ${String(plan.facts[name])}, host ${String(facts[name])}`).join('\n')}`,
		next: ['make a new one: bsdup plan HOST --to TARGET --format json --out FILE'],
		exit: EXIT.usage,
	});
}
