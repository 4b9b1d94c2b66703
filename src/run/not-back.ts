import { BsdupError } from '../errors.ts';
import type { Plan } from '../plan/plan.ts';
import { type Console, signIn } from './console.ts';

/** How long, for people: `20 seconds`, `30 minutes`. */
export function inWords(ms: number): string {
	const [many, unit] = ms < 60_000 ? [ms / 1000, 'second'] : [ms / 60_000, 'minute'];
	return `${Math.round(many)} ${unit}${Math.round(many) === 1 ? '' : 's'}`;
}

/** The verdict on a host that did not answer for `awayMs`, by what its console shows where that can be asked. `again`: the command that goes on. */
export async function notBack(plan: Plan, console: Console | null, awayMs: number, last: string, again = 'resume'): Promise<BsdupError> {
	const lines = console === null ? [] : await console();
	const sign = signIn(lines, plan);
	const verdict = sign?.installer === true ? 'came up in the installer' : `did not come back in ${inWords(awayMs)}`;
	const state = [
		sign === undefined
			? 'What ran there goes on, if it has power and only the way to it is cut; or else it waits at its console: at the loader, in the installer, or for a person.'
			: `By its console, ${sign.says}.`,
		...(console === null ? ['No command tells its console: see "console" in bsdup upgrade --help.'] : []),
		...(lines.length === 0 ? [] : ['The last lines of its console:', ...lines.map((line) => `  ${line}`)]),
	];
	return new BsdupError({
		code: sign?.installer === true ? 'E_INSTALLER' : 'E_NOT_BACK',
		message: `verdict: ${verdict}${last === '' ? '' : `; the last try: ${last}`}`,
		state: state.join('\n'),
		next: [...(sign === undefined ? [] : [sign.next]), `bsdup ${again} ${plan.run}   (once it answers)`, plan.recovery],
	});
}
