import type { Plan } from '../plan/plan.ts';
import type { Entry } from './line.ts';

/** How a finished run ended, a line each for people: what the host reported, then how long it was away at each reboot. */
export function summaryLines(plan: Plan, entries: readonly Entry[]): string[] {
	const end = entries.findLast((entry) => entry.kind === 'end');
	const title = (id: string): string => plan.steps.find((step) => step.id === id)?.title ?? id;
	return [
		...(plan.target === null ? [] : [`${plan.facts.host} runs ${plan.facts.system} ${plan.target.version}.`]),
		...(end === undefined ? [] : end.detail.split('\n').filter((line) => line !== '')),
		...entries.flatMap((entry) => (entry.kind === 'verdict' ? [`down for ${(entry.downMs / 1000).toFixed(1)} s: ${title(entry.id)}`] : [])),
	];
}
