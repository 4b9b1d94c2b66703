import { EXIT } from '../errors.ts';
import { createRun, type HostFlags, type RunFolder } from '../journal/state.ts';
import type { Plan } from '../plan/plan.ts';
import { planText } from '../plan/text.ts';
import { carry } from './carry.ts';
import { runHere } from './find-run.ts';
import { mustFollow, runAfter } from './hops.ts';
import { makePlan, type PlanRequest } from './make-plan.ts';
import { openHost } from './open-host.ts';
import { planOrRefuse } from './plan-or-refuse.ts';
import type { RunFlags } from './run-flags.ts';

/** What going on needs besides the run that was done. */
export interface Going {
	flags: RunFlags & HostFlags;
	/** The directory of the runs. */
	state: string;
	/** The package. */
	root: string;
	json: boolean;
	warn: (text: string) => void;
}

/**
 * After a run that was done: the hops after it, each planned from the facts as they are then and carried to its end before the next.
 * Returns the exit status of the last. Calling it again goes on with the hop that was begun. Throws what planning and carrying
 * throw, E_HOP where the host or the list is not what it was to be.
 */
export async function goOnward(done: Pick<RunFolder, 'plan' | 'host' | 'flags'>, going: Going): Promise<number> {
	for (let before = done; ; ) {
		if (before.plan.onward === undefined) return EXIT.done;
		const folder = runHere(going.state, runAfter(before.plan.run)) ?? (await begin(before, going));
		const status = await carry(folder, going.flags, going.json);
		if (status !== EXIT.done) return status;
		before = folder;
	}
}

async function begin({ plan: before, host, flags }: Pick<RunFolder, 'plan' | 'host' | 'flags'>, going: Going): Promise<RunFolder> {
	const [hop] = before.onward?.hops ?? [];
	if (hop === undefined) throw new Error('no hop is left');
	// Every value was a flag's when the plan was made, and the plan's hash holds it.
	const request = {
		...before.onward?.request,
		run: runAfter(before.run),
		...(going.flags.mirror === undefined ? {} : { mirror: going.flags.mirror }),
	};
	const transport = await openHost(host ?? undefined, flags);
	try {
		const made = await makePlan(request as unknown as PlanRequest, transport, going.root);
		const plan = await planOrRefuse(made, transport, going.warn);
		mustFollow(before, plan);
		for (const line of newLines(hop.text, plan)) going.warn(`bsdup: not as it was expected: ${line}`);
		return createRun(going.state, plan, host, flags);
	} finally {
		await transport.close();
	}
}

/** Commands of the plan that were not shown when the first hop was planned. */
function newLines(shown: string, plan: Plan): string[] {
	const known = new Set(shown.split('\n'));
	return planText({ ...plan, onward: undefined })
		.split('\n')
		.filter((line) => line.startsWith('     ') && !known.has(line));
}
