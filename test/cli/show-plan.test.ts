import { expect, test } from 'vitest';
import { showPlan } from '../../src/cli/show-plan.ts';
import { plan } from '../journal/folder.ts';

test('a file that cannot be written is an error of usage that names it', () => {
	expect(() => showPlan(plan, { out: '/nonexistent/plan' }, false)).toThrowError(
		expect.objectContaining({ code: 'E_USAGE', exit: 2, message: expect.stringContaining('cannot write /nonexistent/plan') }),
	);
});
