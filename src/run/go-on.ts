import type { Plan } from '../plan/plan.ts';

/** What a person types after a reboot at the console. */
export function goOnAtConsole(plan: Plan): string[] {
	return [
		'The machine reboots. After it, log in as root and type:',
		`  bsdup resume ${plan.run}`,
		'or, while programs of old packages do not start on the new base:',
		`  sh ${plan.dir}/resume.sh`,
	];
}

/** What is said at the console before a job that may end in a reboot takes something back: bsdup ends with the host. */
export function goBackAtConsole(plan: Pick<Plan, 'run' | 'dir'>): string {
	return `The host may reboot for it. After it, log in as root and type: bsdup rollback ${plan.run} (or sh ${plan.dir}/resume.sh rollback)`;
}
