import { describe, expect, test } from 'vitest';
import { withTypedState } from '../../src/cli/typed-state.ts';

const typed = ['upgrade', 'root@db1', '--state', '/var/my runs', '--yes'];

describe('what is to be typed next', () => {
	test.each([
		['bsdup resume run-1-db1   (asks again)', "bsdup resume run-1-db1 --state '/var/my runs'   (asks again)"],
		['Paused. To go on: bsdup resume run-1', "Paused. To go on: bsdup resume run-1 --state '/var/my runs'"],
		['bsdup status --recovery run-1   (by hand)', "bsdup status --recovery run-1 --state '/var/my runs'   (by hand)"],
		['then: bsdup resume', "then: bsdup resume --state '/var/my runs'"],
		['bsdup resume HOST   (asks it)', "bsdup resume HOST --state '/var/my runs'   (asks it)"],
		['bsdup resume on the machine that began it', 'bsdup resume on the machine that began it'],
		['once it has changed anything, bsdup rollback refuses', 'once it has changed anything, bsdup rollback refuses'],
		['bsdup upgrade HOST --to TARGET', 'bsdup upgrade HOST --to TARGET'],
		['sh /var/db/bsdup/run-1/resume.sh status', 'sh /var/db/bsdup/run-1/resume.sh status'],
	])('finds the run where the typed --state has it: %s', (text, told) => {
		expect(withTypedState(text, typed)).toBe(told);
		expect(withTypedState(text, ['--state=/var/my runs'])).toBe(told);
		expect(withTypedState(text, ['upgrade', 'root@db1'])).toBe(text);
	});
});
