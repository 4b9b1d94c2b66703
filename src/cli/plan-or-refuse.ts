import { BsdupError, EXIT } from '../errors.ts';
import { nothingToDo, refusing } from '../plan/finding.ts';
import type { Plan } from '../plan/plan.ts';
import { allFindings } from '../run/live-findings.ts';
import type { Transport } from '../transport/transport.ts';
import type { MadePlan } from './make-plan.ts';

/**
 * The plan, if nothing refuses it; `warn` hears of what a person should know. Else throws: the mirror's own error where it is all
 * there is, E_SAME_BUILD (exit status 0) where nothing is to be done, otherwise E_REFUSED with everything at once, what the live
 * checks find on the host too.
 */
export async function planOrRefuse(made: MadePlan, transport: Transport | undefined, warn: (text: string) => void): Promise<Plan> {
	const { plan, findings } = made;
	if (refusing(findings).length === 0 && !(plan instanceof BsdupError)) {
		for (const { says, fix } of findings) warn(`bsdup: warning: ${says}\n  ${fix}`);
		return plan;
	}
	const same = nothingToDo(findings);
	if (same !== undefined) throw new BsdupError({ code: 'E_SAME_BUILD', message: same.says, next: [same.fix], exit: EXIT.done });
	const all = refusing(await allFindings(made, transport));
	if (plan instanceof BsdupError && all.length === 1) throw plan;
	throw new BsdupError({
		code: 'E_REFUSED',
		message: `this ${made.job ?? 'upgrade'} is refused:\n${all.map(({ says, fix }) => `- ${says}\n  ${fix}`).join('\n')}`,
		next: ['mend these, then try again'],
	});
}
