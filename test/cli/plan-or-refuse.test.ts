import { describe, expect, test } from 'vitest';
import { planOrRefuse } from '../../src/cli/plan-or-refuse.ts';
import { type Finding, SAME_BUILD } from '../../src/plan/finding.ts';
import type { Plan } from '../../src/plan/plan.ts';

const finding = (id: string, severity: Finding['severity']): Finding => ({ id, severity, says: `of ${id}`, fix: `what mends ${id}` });
const plan = { run: 'run-1' } as unknown as Plan;
const asked = (...findings: Finding[]) => planOrRefuse({ plan, findings, checks: [] }, undefined, () => {});

describe('a plan whose very build is installed already', () => {
	test('is none, which is no failure, whatever else speaks against it', async () => {
		const nothing = { code: 'E_SAME_BUILD', exit: 0, message: 'of same-build', next: ['what mends same-build'] };
		await expect(asked(finding(SAME_BUILD, 'refuse'))).rejects.toMatchObject(nothing);
		await expect(asked(finding('clock', 'refuse'), finding(SAME_BUILD, 'refuse'))).rejects.toMatchObject(nothing);
	});

	test('is one where it shall be laid anew, and is refused as any other', async () => {
		expect(await asked(finding(SAME_BUILD, 'warn'))).toBe(plan);
		await expect(asked(finding('clock', 'refuse'), finding(SAME_BUILD, 'warn'))).rejects.toMatchObject({ code: 'E_REFUSED', exit: 1 });
	});
});
