import type { Plan } from '../plan/plan.ts';
import type { Finding } from '../plan/refusals.ts';
import type { Transport } from '../transport/transport.ts';

/** Runs the plan's own first step, which only looks, and gives what it found. */
export async function liveFindings(plan: Plan, transport: Transport): Promise<Finding[]> {
	const check = plan.steps.find((step) => step.needs.length === 0);
	const { stdout } = await transport.run((check?.commands ?? []).join('\n'));
	return stdout.split('\n').flatMap((line) => {
		const [, id, says, fix] = /^finding: ([^:]+): (.*?); (.*)$/.exec(line) ?? [];
		return id === undefined ? [] : [{ id, says: says ?? '', fix: fix ?? '' }];
	});
}
