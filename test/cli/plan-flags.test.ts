import { describe, expect, test } from 'vitest';
import { type PlanFlags, planOptions, requirePlanAlone } from '../../src/cli/plan-flags.ts';

const flags: PlanFlags = {
	...{ backup: ['/etc'], 'volume-size': '4000M', watchdog: 15, unattended: true, 'fetch-on': 'controller' },
	...{ 'no-backup': true, 'no-packages': false, 'stop-forwarding': false },
};
const optionsOf = (changes: Partial<PlanFlags>) => planOptions({ ...flags, ...changes }, 'db1', new Date(0));

describe('the options of a plan', () => {
	test.each<Partial<PlanFlags>>([{ 'backup-to': '/mnt' }, { 'backup-device': 'sd1' }, { 'backup-here': 'x' }])(
		'are refused where no backup is wanted and %o too, so that none is left out unawares',
		(where) => {
			expect(() => optionsOf(where)).toThrowError(expect.objectContaining({ code: 'E_USAGE', exit: 2 }));
			expect(optionsOf({ ...where, 'no-backup': false }).backup).not.toBe(null);
		},
	);

	test('hold no backup where none is wanted', () => {
		expect(optionsOf({}).backup).toBe(null);
	});
});

test('a flag beside a plan, which would change nothing of it, is refused; not a default, nor what the run itself asks for', () => {
	const defaults = (name: string): boolean => name === 'backup';
	const given = { backup: ['/etc'], plan: 'p.json', mirror: ['https://a.example'], unattended: true, yes: true };
	expect(() => requirePlanAlone(given, defaults)).not.toThrow();
	for (const more of [{ 'backup-to': '/mnt' }, { health: ['true'] }])
		expect(() => requirePlanAlone({ ...given, ...more }, defaults)).toThrowError(expect.objectContaining({ code: 'E_USAGE', exit: 2 }));
});
