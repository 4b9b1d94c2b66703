import type { HostFlags } from '../journal/state.ts';
import type { Plan } from '../plan/plan.ts';
import { makePlan, type PlanRequest } from './make-plan.ts';
import { openHost } from './open-host.ts';
import { checkPlanFits } from './plan-fits.ts';
import { planOrRefuse } from './plan-or-refuse.ts';

/**
 * The plan that a host is to be carried through: the one `given`, where it fits the host as it is now, or a new one. The connection is
 * closed after it. Throws what refuses the plan.
 */
export async function planOnHost(
	given: Plan | undefined,
	host: string | undefined,
	flags: HostFlags & PlanRequest,
	root: string,
	warn: (text: string) => void,
): Promise<Plan> {
	const transport = await openHost(host, flags);
	try {
		if (given !== undefined) return await checkPlanFits(given, transport, root);
		return await planOrRefuse(await makePlan(flags, transport, root), transport, warn);
	} finally {
		await transport.close();
	}
}
