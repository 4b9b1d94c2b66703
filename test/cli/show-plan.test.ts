import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { showPlan } from '../../src/cli/show-plan.ts';
import { plan } from '../journal/folder.ts';

test('a file that cannot be written is an error of usage that names it', () => {
	expect(() => showPlan(plan, { out: '/nonexistent/plan' }, false)).toThrowError(
		expect.objectContaining({ code: 'E_USAGE', exit: 2, message: expect.stringContaining('cannot write /nonexistent/plan') }),
	);
});

test('a script is written as one where programs are told the plan too', () => {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-show-'));
	onTestFinished(() => rmSync(dir, { recursive: true }));
	for (const json of [false, true]) {
		showPlan(plan, { format: 'sh', out: join(dir, 'resume.sh') }, json);
		expect(readFileSync(join(dir, 'resume.sh'), 'utf8')).toMatch(/^#!\/bin\/sh\n/);
	}
	showPlan(plan, { out: join(dir, 'plan') }, true);
	expect(JSON.parse(readFileSync(join(dir, 'plan'), 'utf8'))).toMatchObject({ run: plan.run });
});
