import { pinned } from '../fetch/target.ts';
import type { Plan } from './plan.ts';

/** The plan for people: every step with the same strings that will run, then how to get back. */
export function planText(plan: Plan): string {
	const target = pinned(plan.target);
	const lines = [plan.title, `run ${plan.run}, plan ${plan.hash.slice(0, 12)}${target === null ? '' : `, sets from ${target.url}`}`];
	if (plan.chosen !== undefined) lines.push(plan.chosen);
	if (target !== null) {
		const [, ...others] = target.mirrors;
		if (others.length > 0) lines.push(`where that has one not, or breaks off: ${others.join(', then ')}`);
		lines.push(
			target.list.key === null
				? 'The list is unsigned: its hashes guard against damage, not against a forger.'
				: `The list is signed with ${target.list.key}.`,
		);
	}
	plan.steps.forEach((step, index) => {
		const marks = [
			step.kind === 'host' ? '' : step.kind,
			step.danger === 'none' ? '' : step.danger,
			step.attended ? 'attended' : '',
		].filter((mark) => mark !== '');
		lines.push('', `${index + 1}. ${step.id}: ${step.title}${marks.length === 0 ? '' : ` [${marks.join(', ')}]`}`);
		if (step.needs.length > 0) lines.push(`   after ${step.needs.join(', ')}`);
		if (step.kind === 'fetch') lines.push('   (bsdup fetches these and lays them there; a host by itself does)');
		if (step.kind === 'stream') lines.push('   (bsdup receives what these write, and keeps it in pieces; a host by itself cannot)');
		for (const line of step.commands) lines.push(`     ${line}`);
		for (const line of step.done.split('\n').filter((line) => line !== '')) lines.push(`   done if: ${line}`);
		if (step.undo !== '') lines.push('   can be taken back: bsdup rollback');
		else if (step.stays) lines.push(`   a rollback leaves: ${step.stays}`);
		for (const line of step.proof.split('\n').filter((line) => line !== '')) lines.push(`   proof: ${line}`);
	});
	const { hops } = plan.onward ?? { hops: [] };
	const later = hops.map(
		({ text }, index) =>
			`\n\nHop ${index + 2} of ${hops.length + 1}, when the one before is proven; planned anew from what is true then, as it is expected now:\n${text}`,
	);
	return `${lines.join('\n')}\n\nTo get back by hand:\n${plan.recovery}${later.join('')}`;
}
